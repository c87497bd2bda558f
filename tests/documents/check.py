"""Compares the documents with the tree. usage: check.py CHECK ROOT FOLDER-OF-THE-PROGRAMS

loop:  the first C block of README.md stands in client/async.c, character for character.
links: each relative link of a document leads to a file, and its #anchor to a heading.
figures: the times in README.md are those in the picture that it shows.
tour:  the commands of README.md's tour work, and print the sums that stand beside them.
summand: the function and the commands of docs/first-summand.md work, and print what stands below them.
man:   the man pages have the options of --help and the functions of meantime.h, in both directions,
       the names of meantime.h, and the messages, refusal codes and limits of PROTOCOL.md.
names: each `folder/file.c` that a document names exists, and each `file.c` exists in some folder.
"""

import collections
import os
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


def script_output(script, programs, folder, environment):
    """Runs a script on free ports: wrappers name the endpoint that the programs use by default. On a busy
    machine a server may listen later than the document says, so clients wait for it."""
    clients, workers = free_ports(2)
    endpoint = f"tcp://127.0.0.1:{clients}"
    listens = f"(: <>/dev/tcp/127.0.0.1/{clients}) 2>/dev/null"
    write_wrapper(folder, "meantime", f'for _ in {{1..600}}; do {listens} && break; sleep 0.1; done\n'
                  f'exec {programs}/meantime "$@" --connect {endpoint}')
    write_wrapper(folder, "meantime-server",
                  f'[[ $* == *--join* || $* == *--check* ]] || set -- "$@" --bind {endpoint}\n'
                  f'exec {programs}/meantime-server "$@"')
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"} | environment
    return subprocess.run(["bash", "-c", script.replace(":8198", f":{workers}")], cwd=folder,
                          env=environment, stdout=subprocess.PIPE, text=True, timeout=300)


def tour_output(script, programs):
    with tempfile.TemporaryDirectory() as name:
        script = re.sub(r"^PATH=.*\n", "", script, flags=re.M)
        return script_output(script, programs, pathlib.Path(name), {})


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


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


def write_pkg_config(folder, root):
    """The file that an installation has, for the headers of the tree."""
    text = (root / "summand/meantime-summand.pc.in").read_text()
    text = re.sub(r"^prefix=.*$", f"prefix={root}/summand", text, flags=re.M)
    text = text.replace("@CMAKE_INSTALL_INCLUDEDIR@", "include").replace("@PROJECT_VERSION@", "0")
    (folder / "meantime-summand.pc").write_text(text)


def first_summand_output(text, root, programs):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "circle.c").write_text(blocks(text, "c")[0])
        write_pkg_config(folder, root)
        # Helper processes may not start a process, as the search for leaks does.
        environment = {"PKG_CONFIG_PATH": name, "ASAN_OPTIONS": "detect_leaks=0"}
        return script_output("set -e\n" + "".join(blocks(text, "sh")), programs, folder, environment)


def without_figures(line):
    """Times, speeds and the kernel depend on the machine. Other lines stay as they are."""
    if line.startswith((" ", "Time", "circle ")) or line.endswith(":"):
        line = re.sub(r"\d[\d.e+-]*|kernel \w+", "N", line)
    return re.sub(r"\s+", " ", re.sub(r" in [\d.]+s\.$", " in N", line))


def check_summand(root, programs):
    text = (root / "docs/first-summand.md").read_text()
    run = first_summand_output(text, root, programs)
    if run.returncode != 0:
        yield f"the commands exit with {run.returncode}:\n{run.stdout}"
    printed = iter([without_figures(line) for line in run.stdout.splitlines()])
    for line in "".join(blocks(text, "text")).splitlines():
        if without_figures(line) not in printed:  # goes on behind the line before
            yield f"the commands do not print, or not in this place: {line}\n{run.stdout}"
            return


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


def man_page(root, name):
    """The source of a man page, without its marks for bold and underlined text."""
    text = (root / "docs/man" / f"{name}.scd").read_text()
    return re.sub(r"\\(.)|\*|(?<!\w)_|_(?!\w)", r"\1", text)


def help_options(program, *command):
    """The options of --help, such as "-c, --connect=ENDPOINT,..."."""
    run = subprocess.run([program, *command, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return set(re.findall(r"^ {2,6}((?:-\w, )?--\S+)", run.stdout, flags=re.M))


def page_options(text):
    """The same of a man page, or of a part of it."""
    return set(re.findall(r"^(-.*)$", text, flags=re.M))


def page_sections(page):
    """The parts of OPTIONS by their title; the part before the first title has the title ""."""
    options = re.search(r"^# OPTIONS\n(.*?)^# ", page, flags=re.M | re.S).group(1)
    pieces = re.split(r"^## (.*)\n", "## \n" + options, flags=re.M)
    return dict(zip(pieces[1::2], pieces[2::2]))


def commands_of(program):
    run = subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    listed = re.search(r"^Commands:\n(.*?)\n\n", run.stdout, flags=re.M | re.S)
    return re.findall(r"^  (\w+)  ", listed.group(1), flags=re.M) if listed else []


def compare_sets(what, page, ours, theirs):
    for name in sorted(theirs - ours):
        yield f"{page}: {what} has {name}, the page has not"
    for name in sorted(ours - theirs):
        yield f"{page}: the page has {name}, {what} has not"


def check_man_options(root, name, program):
    sections = page_sections(man_page(root, name))
    yield from compare_sets("--help", name, page_options("".join(sections.values())), help_options(program))
    for command in commands_of(program):
        mine = [text for title, text in sections.items() if title == "All commands"
                or command in re.split(r", | and ", title)]
        yield from compare_sets(f"{command} --help", name, page_options("".join(mine)),
                                help_options(program, command))


def check_man_library(root):
    header = (root / "client/lib/meantime.h").read_text()
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    page = man_page(root, "libmeantime.3")
    synopsis = re.search(r"# SYNOPSIS(.*?)^# ", page, flags=re.M | re.S).group(1)
    functions = set(re.findall(r"\bmeantime_\w+(?=\()", header))
    declared = set(re.findall(r"^typedef .*?\b(meantime_\w+)\(|\b(meantime_\w+)\(", synopsis, flags=re.M))
    declared = {name for pair in declared for name in pair if name}
    yield from compare_sets("meantime.h", "libmeantime.3 (SYNOPSIS)", declared, functions)
    described = set(re.findall(r"^(meantime_\w+)\(\)$", page, flags=re.M))
    types = set(re.findall(r"typedef .*?\b(meantime_\w+)\(", header))
    yield from compare_sets("meantime.h", "libmeantime.3 (DESCRIPTION)", described, functions - types)
    names = set(re.findall(r"^ +(MEANTIME_\w+)\b", header, flags=re.M))
    names |= set(re.findall(r"^    [\w ]+?\*?(\w+)(?:, \w+)*;", header, flags=re.M))
    for name in sorted(names):
        if not re.search(rf"\b{name}\b", page):
            yield f"libmeantime.3: meantime.h has {name}, the page has not"


def table_rows(text):
    for line in re.findall(r"^\|(.*)\|$", text, flags=re.M):
        cells = [re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", cell).strip() for cell in line.split("|")]
        if any(cells) and not set("".join(cells)) <= set("- "):
            yield cells


def part_of(text, heading):
    return re.search(rf"^## {heading}\n(.*?)^## ", text, flags=re.M | re.S).group(1)


def check_man_protocol(root):
    protocol = (root / "proto/PROTOCOL.md").read_text()
    page = man_page(root, "meantime-protocol.7")
    rows = [row[:1] for row in table_rows(part_of(protocol, "Messages")) if row[0] != "field"]
    rows += [[f"{row[0]} {row[1]}"] for row in table_rows(part_of(protocol, "Refusal codes")) if row[0]]
    rows += [row[:2] for row in table_rows(part_of(protocol, "Limits")) if row[0] != "what"]
    cells = set(re.findall(r"^(?:\[\[|\||:<?) +(.*)$", page, flags=re.M))
    for cell in (cell for row in rows for cell in row if cell not in cells):
        yield f"meantime-protocol.7: PROTOCOL.md has {cell!r} in a table, the page has not"
    for message in re.findall(r"^message (\w+)", (root / "proto/meantime.proto").read_text(), flags=re.M):
        if message not in page:
            yield f"meantime-protocol.7: no message {message}"


# man(1) indents code by 12 columns.
CODE_COLUMNS_MAX = 80 - 12


def check_man_width(root):
    for path in sorted((root / "docs/man").glob("*.scd")):
        for block in re.findall(r"^```\n(.*?)^```", path.read_text(), flags=re.M | re.S):
            for line in block.splitlines():
                if len(line) > CODE_COLUMNS_MAX:
                    yield f"{path.name}: this line is too long for 80 columns: {line}"


def check_man(root, programs):
    yield from check_man_options(root, "meantime.1", f"{programs}/meantime")
    yield from check_man_options(root, "meantime-server.8", f"{programs}/meantime-server")
    yield from check_man_library(root)
    yield from check_man_protocol(root)
    yield from check_man_width(root)


def generated(name):
    return ".pb-c." in name or name.endswith("_pb2.py")


def main():
    checks = {"loop": check_loop, "figures": check_figures, "tour": check_tour, "links": check_links,
              "summand": check_summand, "man": check_man, "names": check_names}
    faults = list(checks[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3]))
    print("\n".join(faults))
    sys.exit(bool(faults))


main()
