"""Compares the documents with the tree. usage: check.py CHECK ROOT FOLDER-OF-THE-PROGRAMS

loop:  the first C block of README.md stands in client/async.c, character for character.
links: each relative link of a document leads to a file, and its #anchor to a heading.
figures: the times in README.md are those in the picture that it shows.
tour:  the commands of README.md's tour work, and print the sums that stand beside them.
names: each `folder/file.c` that a document names exists, and each `file.c` exists in some folder.
"""

import collections
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

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


def check_loop(root, _programs):
    block = re.search(r"^```c\n(.*?)^```", (root / "README.md").read_text(), flags=re.M | re.S)
    if block.group(1) not in (root / "client/async.c").read_text():
        yield f"README.md: this is not in client/async.c:\n{block.group(1)}"


def check_figures(root, _programs):
    """Both write times in seconds with two digits: 3.03 s in the picture, 3.03s in the text."""
    picture = set(re.findall(r"\b\d+\.\d\d\b", (root / "client/pictures/compare.svg").read_text()))
    line = re.search(r"^ *The same sums, .*$", (root / "README.md").read_text(), flags=re.M).group(0)
    for figure in re.findall(r"\d+\.\d\d", line):
        if figure not in picture:
            yield f"README.md: {figure} is not in compare.svg"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_wrapper(folder, name, command):
    (folder / name).write_text(f"#!/bin/bash\n{command}\n")
    (folder / name).chmod(0o755)


def tour_output(script, programs):
    """Runs the tour on free ports: wrappers name the endpoint that the programs use by default."""
    clients, workers = free_ports(2)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        endpoint = f"tcp://127.0.0.1:{clients}"
        write_wrapper(folder, "meantime", f'exec {programs}/meantime "$@" --connect {endpoint}')
        write_wrapper(folder, "meantime-server",
                      f'[[ $* == *--join* ]] || set -- "$@" --bind {endpoint}\n'
                      f'exec {programs}/meantime-server "$@"')
        script = re.sub(r"^PATH=.*$", f"PATH={name}:$PATH", script, flags=re.M)
        return subprocess.run(["bash", "-c", script.replace(":8198", f":{workers}")], cwd=name,
                              stdout=subprocess.PIPE, text=True, timeout=100)


def check_tour(root, programs):
    section = re.search(r"^## A tour.*?^## ", (root / "README.md").read_text(), flags=re.M | re.S).group(0)
    script = "".join(re.findall(r"^```sh\n(.*?)^```", section, flags=re.M | re.S))
    sums = re.findall(r"It prints `([^`]+)`", section)
    run = tour_output(script, programs)
    printed = collections.Counter(run.stdout.splitlines())
    if run.returncode != 0:
        yield f"the tour exits with {run.returncode}"
    for each in sums:
        if printed[each] < 2:
            yield f"the tour prints {each} {printed[each]} times instead of twice:\n{run.stdout}"


def check_link(document, target):
    file, _, anchor = target.partition("#")
    path = document.parent / file if file else document
    if not path.exists():
        return f"no file {file}"
    if anchor and anchor not in anchors(path):
        return f"no heading #{anchor} in {path.name}"
    return None


def check_links(root, _programs):
    for document in documents(root):
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
            fault = None if "://" in target else check_link(document, target)
            if fault:
                yield f"{document.relative_to(root)}: {fault}"


def check_names(root, _programs):
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
    checks = {"loop": check_loop, "figures": check_figures, "tour": check_tour, "links": check_links,
              "names": check_names}
    faults = list(checks[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3]))
    print("\n".join(faults))
    sys.exit(bool(faults))


main()
