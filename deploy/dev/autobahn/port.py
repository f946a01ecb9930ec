"""Makes a Python 3 copy of autobahntestsuite 25.10.1, which is Python 2 source.

    port.py SOURCE_FOLDER TARGET_FOLDER

The model: a Python 2 byte string becomes a str of latin-1 characters; real bytes exist only where run.py meets the socket.
"""

import os
import re
import shutil
import sys
import warnings

warnings.simplefilter("ignore")
from lib2to3.refactor import RefactoringTool, get_fixers_from_package  # noqa: E402

# What lib2to3 cannot know: file -> [(pattern, replacement)].
EDITS = {
    "case.py": [(r"pickle\.dumps\((\w+)\) == pickle\.dumps\((\w+)\)", r"\1 == \2")],
    "case10_1_1.py": [(r"len\(self\.payload\) / ", "len(self.payload) // ")],
    "case6_x_x.py": [
        (
            r"from autobahn\.websocket\.utf8validator import Utf8Validator",
            "from autobahn.websocket.utf8validator import Utf8Validator as _V\n"
            "class Utf8Validator(_V):\n"
            "   def validate(self, s): return _V.validate(self, s.encode('latin-1'))",
        )
    ],
    "fuzzing.py": [
        (r"''\.join\(payload\)", "b''.join(payload)"),
        (
            r"(?s)def binLogData.*?(?=class FuzzingProtocol)",
            "def _b(d): return d.encode('latin-1', 'replace') if isinstance(d, str) else d\n\n"
            "def binLogData(d, maxlen=64): return _b(d)[:maxlen].hex()\n\n"
            "def asciiLogData(d, maxlen=64, replace=False): return _b(d)[:maxlen].decode('latin-1')\n\n",
        ),
    ],
}

UNUSED = shutil.ignore_patterns("__pycache__", "wamp*", "wsperf*", "mass*", "web")
NO_HTML = 'CSS_COMMON = CSS_DETAIL_REPORT = CSS_MASTER_REPORT = JS_MASTER_REPORT = ""\n'


def edited(name, text):
    """Applies the edits of one file; one that no longer fits is an error, not a silent difference."""
    for pattern, replacement in EDITS.get(name, []):
        plain = "\\1" not in replacement
        text, count = re.subn(pattern, (lambda _, r=replacement: r) if plain else replacement, text)
        if not count:
            sys.exit(f"port: {name} changed, pattern not found: {pattern}")
    return text


def ported(tool, path, is_root):
    """One file's Python 3 text."""
    name = os.path.basename(path)
    if is_root and name == "__init__.py":
        return "from ._version import __version__\nversion = __version__\n"
    if name == "report.py":
        return NO_HTML
    with open(path, "rb") as file:
        text = file.read().decode("latin-1").replace("\r\n", "\n").rstrip() + "\n"
    # An encoding line would be believed.
    text = re.sub(r"\A((?:#.*\n){0,2})", lambda match: re.sub(r"coding[:=]", "was", match.group(1)), text)
    text = str(tool.refactor_string(text, path)).replace("(object, Case, )", "(Case, )")
    # An endless case that is not in the suite's own list.
    return edited(name, text).replace("from .case9_9_1 import *\n", "")


def main():
    source, target = sys.argv[1:]
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=UNUSED)
    tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
    tool.log_message = tool.log_debug = lambda *_: None
    for base, _, names in os.walk(target):
        for path in (os.path.join(base, name) for name in names if name.endswith(".py")):
            text = ported(tool, path, base == target)
            with open(path, "wb") as file:
                file.write(b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1"))


if __name__ == "__main__":
    main()
