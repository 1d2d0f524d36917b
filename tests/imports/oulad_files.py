"""A tiny OULAD as text, and the ways it is packed."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import duckdb

from imports.oulad.tables import TABLES
from stack.profile import REPOSITORY

FILES = {
    "courses": """\
"code_module","code_presentation","module_presentation_length"
"AAA","2013J","268"
"BBB","2014B","234"
""",
    "assessments": """\
code_module,code_presentation,id_assessment,assessment_type,date,weight
AAA,2013J,1752,TMA,19,10.0
AAA,2013J,1753,Exam,,100
BBB,2014B,1754,CMA,30,5
""",
    "vle": """\
id_site,code_module,code_presentation,activity_type,week_from,week_to
546943,AAA,2013J,resource,,
546712,AAA,2013J,oucontent,1,2
600001,BBB,2014B,forumng,?,?
""",
    "studentInfo": """\
code_module,code_presentation,id_student,gender,region,final_result
AAA,2013J,11391,M,"East, Anglian Region",Pass
AAA,2013J,28400,F,Scotland,Withdrawn
BBB,2014B,11391,M,Scotland,Fail
BBB,2014B,31604,F,Scotland,Withdrawn
""",
    "studentRegistration": """\
code_module,code_presentation,id_student,date_registration,date_unregistration
AAA,2013J,11391,-159,
AAA,2013J,28400,-53,12
BBB,2014B,11391,10,
BBB,2014B,31604,,-4
""",
    "studentAssessment": """\
id_assessment,id_student,date_submitted,is_banked,score
1752,11391,18,0,78
1752,28400,10,0,
1754,11391,31,1,66.5
""",
    "studentVle": """\
code_module,code_presentation,id_student,id_site,date,sum_click
AAA,2013J,11391,546943,-10,4
AAA,2013J,11391,546943,-10,4
AAA,2013J,11391,546943,-10,4
AAA,2013J,28400,546712,0,1
AAA,2013J,11391,546712,268,7
BBB,2014B,11391,600001,12,2
""",
}


def write(folder: Path, **changed: str) -> Path:
    """The plain CSVs; ``changed`` replaces files by their text."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, text in (FILES | changed).items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


def as_plain(folder: Path) -> Path:
    return write(folder)


def as_gzip(folder: Path) -> Path:
    for path in write(folder).glob("*.csv"):
        with gzip.open(f"{path}.gz", "wt", encoding="utf-8") as file:
            file.write(path.read_text(encoding="utf-8"))
        path.unlink()
    return folder


def as_zip(folder: Path) -> Path:
    packed = folder / "anonymisedData.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in write(folder / "csv").glob("*.csv"):
            archive.write(path, f"anonymisedData/{path.name}")
    return packed


def as_zips(folder: Path) -> Path:
    for path in list(write(folder).glob("*.csv")):
        with zipfile.ZipFile(f"{path}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        path.unlink()
    return folder


def as_parquet(folder: Path) -> Path:
    write(folder / "csv")
    for table, columns in TABLES.items():
        types = ", ".join(f"CAST({c.name} AS {c.type}) AS {c.name}" for c in columns)
        with duckdb.connect() as db:
            db.execute(
                f"COPY (SELECT {types} FROM read_csv('{folder}/csv/{table}.csv', header = true, "
                f"all_varchar = true, nullstr = ['', '?'])) TO '{folder}/{table}.parquet'"
            )
    return folder


PACKINGS = (as_plain, as_gzip, as_zip, as_zips, as_parquet)


SAMPLE = REPOSITORY / "data" / "oulad-sample"


def part_of_sample(folder: Path, one_in: int = 3) -> Path:
    """The sample in the repository with some of its learners: all that one in three of them did,
    two hundred thousand real events."""
    with duckdb.connect() as db:
        for file in SAMPLE.glob("*.parquet"):
            some = f"WHERE id_student % {one_in} = 0" if file.stem.startswith("student") else ""
            db.execute(f"COPY (FROM '{file}' {some}) TO '{folder / file.name}'")
    return folder
