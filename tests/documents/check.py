"""Compares the documents with the tree. usage: check.py loop|links|names ROOT

loop:  the first C block of README.md stands in client/async.c, character for character.
links: each relative link of a document leads to a file, and its #anchor to a heading.
names: each `folder/file.c` that a document names exists, and each `file.c` exists in some folder.
"""

import pathlib
import re
import sys

SKIPPED = {"build", ".git"}
NAME = re.compile(r"`([\w./-]+\.(?:c|h|py|md|proto|svg|scd|txt))`")


def documents(root):
    for path in sorted(root.rglob("*.md")):
        if not SKIPPED & set(path.relative_to(root).parts):
            yield path


def text_of(path):
    """The document without its blocks of code, which may show anything."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)


def anchors(path):
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_loop(root):
    block = re.search(r"^```c\n(.*?)^```", (root / "README.md").read_text(), flags=re.M | re.S)
    if block.group(1) not in (root / "client/async.c").read_text():
        yield f"README.md: this is not in client/async.c:\n{block.group(1)}"


def check_link(document, target):
    file, _, anchor = target.partition("#")
    path = document.parent / file if file else document
    if not path.exists():
        return f"no file {file}"
    if anchor and anchor not in anchors(path):
        return f"no heading #{anchor} in {path.name}"
    return None


def check_links(root):
    for document in documents(root):
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
            fault = None if "://" in target else check_link(document, target)
            if fault:
                yield f"{document.relative_to(root)}: {fault}"


def check_names(root):
    files = [path for path in root.rglob("*.*") if not SKIPPED & set(path.relative_to(root).parts)]
    known = {path.name for path in files}
    for document in documents(root):
        for name in NAME.findall(text_of(document)):
            places = root / name, document.parent / name
            found = any(place.exists() for place in places) if "/" in name else name in known
            if not found and not generated(name):
                yield f"{document.relative_to(root)}: no file {name}"


def generated(name):
    return ".pb-c." in name or name.endswith("_pb2.py")


def main():
    check = {"loop": check_loop, "links": check_links, "names": check_names}[sys.argv[1]]
    faults = list(check(pathlib.Path(sys.argv[2])))
    print("\n".join(faults))
    sys.exit(bool(faults))


main()
