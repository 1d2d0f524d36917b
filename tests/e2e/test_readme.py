"""What the README says to type does what it says."""

from __future__ import annotations

import re
import subprocess

import pytest

from contracts.ids import new_id
from stack.profile import REPOSITORY
from tests.e2e.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_the_journey_of_the_readme_ends_with_a_certificate(product: Product) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Try the whole journey yourself")[2]
    journey, asking = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    asking = asking.replace("localhost:18010", product.serving.base_url.netloc.decode())
    # Addresses are one account's each, and this product may have run the journey before.
    script = (journey + asking).replace("@example.org", f"-{new_id()}@example.org")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=REPOSITORY,
        env={**product.env, "L": f"{product.lms.base_url}/api/v1".replace("//api", "/api")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":"graded"' in done.stdout
    assert re.search(r'"url":"http[^"]+/certificates/', done.stdout)
    assert "course_completed" in done.stdout
    assert '"recommendation_id":"' in done.stdout
    assert '"query":"how do vaccines work"' in done.stdout
