"""Take the README's screenshots of a running demo: ``overview.png`` and ``learner.png``.

After ``./learnstream demo``, with Chromium installed (``./learnstream test`` installs it):

    .learnstream/venv/bin/python docs/images/take.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
LARGEST_BYTES = 300_000


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": 1280, "height": 860}, color_scheme="light", ignore_https_errors=True
        )
        page = context.new_page()
        sign_in(page, "admin")
        page.wait_for_selector("#panels svg")
        take(page, "overview.png")
        sign_in(page, "student")
        page.wait_for_selector("#list li")
        take(page, "learner.png")
        browser.close()
    return 0


def sign_in(page: Page, role: str) -> None:
    """Follow the link that ``learnstream sign-in`` prints."""
    command = [sys.executable, "-m", "stack.cli", "sign-in", "--role", role]
    link = subprocess.run(
        command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    page.goto(link)
    page.wait_for_url(lambda now: "/sign-in" not in now)


def take(page: Page, name: str) -> None:
    page.wait_for_timeout(4_000)  # panels are asked once a second, and pictures fade in
    path = HERE / name
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > LARGEST_BYTES:
        sys.exit(f"{name} is larger than {LARGEST_BYTES:,} bytes")


if __name__ == "__main__":
    raise SystemExit(main())
