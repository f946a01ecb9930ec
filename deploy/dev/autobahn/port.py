# Python 3 copy of the Python 2 package. Model: a Python 2 byte string becomes a latin-1 str;
# real bytes exist only where the runner meets the socket.
import sys, os, re, shutil, warnings
warnings.simplefilter("ignore")
from lib2to3.refactor import RefactoringTool, get_fixers_from_package
src, dst = sys.argv[1], sys.argv[2]
shutil.rmtree(dst, ignore_errors=True)
shutil.copytree(src, dst, ignore=shutil.ignore_patterns("__pycache__", "wamp*", "wsperf*", "mass*", "web"))
tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
tool.log_message = tool.log_debug = lambda *a: None
edits = {  # file -> [(pattern, replacement)]
    "case.py": [(r"pickle\.dumps\((\w+)\) == pickle\.dumps\((\w+)\)", r"\1 == \2")],
    "case10_1_1.py": [(r"len\(self\.payload\) / ", "len(self.payload) // ")],
    "case6_x_x.py": [(r"from autobahn\.websocket\.utf8validator import Utf8Validator",
        "from autobahn.websocket.utf8validator import Utf8Validator as _V\n"
        "class Utf8Validator(_V):\n"
        "   def validate(self, s): return _V.validate(self, s.encode('latin-1'))")],
    "fuzzing.py": [(r"''\.join\(payload\)", "b''.join(payload)"),
                   (r"(?s)def binLogData.*?(?=class FuzzingProtocol)",
                    "def _b(d): return d.encode('latin-1', 'replace') if isinstance(d, str) else d\n\n"
                    "def binLogData(d, maxlen=64): return _b(d)[:maxlen].hex()\n\n"
                    "def asciiLogData(d, maxlen=64, replace=False): return _b(d)[:maxlen].decode('latin-1')\n\n")],
}
for base, _, files in os.walk(dst):
    for name in (f for f in files if f.endswith(".py")):
        path = os.path.join(base, name)
        text = open(path, "rb").read().decode("latin-1").replace("\r\n", "\n").rstrip() + "\n"
        text = re.sub(r"\A((?:#.*\n){0,2})", lambda m: re.sub(r"coding[:=]", "was", m.group(1)), text)
        out = str(tool.refactor_string(text, path)).replace("(object, Case, )", "(Case, )")
        for a, b in edits.get(name, []):
            out, n = re.subn(a, lambda m, b=b: m.expand(b) if "\\1" in b else b, out)
            if not n: sys.exit("port: %s changed, pattern not found: %s" % (name, a))
        out = out.replace("from .case9_9_1 import *\n", "")  # endless case, not in the suite's list
        if base == dst and name == "__init__.py":
            out = "from ._version import __version__\nversion = __version__\n"
        if name == "report.py":  # HTML only
            out = 'CSS_COMMON = CSS_DETAIL_REPORT = CSS_MASTER_REPORT = JS_MASTER_REPORT = ""\n'
        open(path, "wb").write(b"# -*- coding: latin-1 -*-\n" + out.encode("latin-1"))
