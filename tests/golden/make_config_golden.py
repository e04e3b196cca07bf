#!/usr/bin/env python3
"""Writes config_golden.json: what OmegaConf and Hydra make of the inputs below.

usage: pip install -r tests/golden/requirements.txt ; python3 tests/golden/make_config_golden.py
"""
import json
import math
import os
import pathlib
import warnings

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf

here = pathlib.Path(__file__).resolve().parent
os.environ["AVSS_TEST_SET"] = "from env"
os.environ.pop("AVSS_TEST_UNSET", None)
os.environ.pop("AVSS_TEST_USER", None)
warnings.simplefilter("ignore")


def text(v):
    """A value with its types, as tests/config/golden_test.cc writes it."""
    if isinstance(v, (DictConfig, ListConfig)):
        v = OmegaConf.to_container(v, resolve=False)
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return "int %d" % v
    if isinstance(v, float):
        return "float nan" if math.isnan(v) else "float %.17g" % v
    if isinstance(v, str):
        return "'%s'" % v
    if isinstance(v, (list, tuple)):
        return "[%s]" % ", ".join(text(x) for x in v)
    return "{%s}" % ", ".join("%s: %s" % (k, text(x)) for k, x in v.items())


def answer(f):
    try:
        return f()
    except Exception:  # whatever it says: it is refused
        return None


scalars = """1 -1 +1 0 00 012 -017 08 0o17 0x1F 0X1F 0b101 1_000 1__0 _1 1_ 0x_f 1e3 1E3 1e+3 1e-3 3e-4 1.5e3 1.e3 1. .5 -.5 +.5 .5e3
.5e+3 1_0.5 1.5_0 1_.5 1.0e10 1e 1e+ -1e3 +1.5 12e03 1.2.3 1e999 -0.0 1:30 -1:30 1:60 190:20:30 1:30.5 1:2:3.25 .inf -.inf +.inf .Inf .INF
.nan .NaN -.nan inf nan true True TRUE tRue yes Yes YES no on off On Off OFF y n Y N ~ null Null NULL nULL None 2024-01-01
2024-01-01T10:00:00 ??? ${a.b} '1' "1" 'true' "null" a:b a/b a.b 10.0.0.1 v1.0 1.0.0 +x -x --x - 0.1.2 1e3e4 9223372036854775807 -9223372036854775808""".split()
scalars += ["", "foo bar", "'it''s'", '"a\\tb"', "!!str 1", "!!float 1", "!!int 5", "!!int x", "[1, 2.0, a]", "{a: 1, b: [x, 'y']}", "|\n  line\n  two", ">\n  line\n  two",
            "a\n  b", "'${x}'", "0x", "0b", "0b2", "1 # comment", "'#'", "a#b"]

documents = [
    "", "# only a comment", "a: 1", "a: 1\na: 2", "a: {b: 1, b: 2}", "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", "a: &x {b: 1}\ne: &y {b: 2, f: 3}\nd:\n  <<: [*x, *y]\n  g: 1",
    "a: &x 1\nb: *x", "a:\n- 1\n- b: 2\n  c: 3\n- [4, 5]", "a:\n  b:\n    c: null\n  d:", "a: [", "a: 'x", "a: b: c", "a: {b: 1", "- 1\n- 2", "a: *nowhere", "a: |\n  text\n   more\nb: 1",
    "? a\n: 1", "'a b': 1", "a: \"\\u00e9\\x41\\n\"", "a: 1\n--- \nb: 2", "a:   'x'  # c", "\ta: 1", "a: @x", "a: %x", "a: `x`", "{a: 1, b: 2}", "a: !!python/object:os.system x",
]

emitted = ["a: 1", "a: 1.0\nb: 1e-5\nc: 1e20\nd: .inf\ne: 0.1\nf: -.inf\ng: .nan\nh: 1e15\ni: 1e16\nj: 0.0001\nk: 0.00001234", "a: true\nb: null\nc: ''\nd: 'true'\ne: '1'\nf: '1e3'\ng: 'null'\nh: '~'\ni: 'yes'",
           "a: []\nb: {}\nc: [1, [2, 3], {d: 4}]\ne:\n- f: 1\n  g: [x]", "a: ${b.c}\nb: {c: 'x/${d}'}\nd: ???", "a: 'x: y'\nb: 'x #y'\nc: '#x'\nd: \"it's\"\ne: '- x'\nf: '-x'\ng: 'x:'\nh: ' x '\ni: '*x'\nj: '&x'\nk: '!x'\nl: '%x'\nm: '@x'",
           "a: '[x]'\nb: 'x,y'\nc: '{x}'\nd: '>x'\ne: '|x'\nf: '?x'\ng: '\"x\"'\nh: '.5'\ni: '1:30'\nj: '012'\nk: '0x1f'\nl: '1_000'\nm: 'inf'\nn: 'nan'\no: '='\np: '<<'\nq: '---'",
           "a: C:\\dir\nb: /path/to file\nc: a=b\nd: 10.0.0.1\ne: '2024-01-01'\nf: \u00e9\u00e8", "a: {b: {c: {d: [1, {e: 2}]}}}", "a: \"tab\\there\"", "a: [[], {}, null, true, x]", "'a b': 1\n'true': 2\n'1': 3"]

overrides = """a=1 a.b=1 a.b.c=x a= a=1.5 a=-1 a=+1 a=1_000 a=1__0 a=012 a=0 a=1e-4 a=1E5 a=1. a=.5 a=-.5 a=inf a=-INF a=+inf a=nan a=NaN a=true a=TRUE a=tRuE a=false
a=null a=NULL a=none a=None a=~ a=yes a=1.2.3 a=1:30 a=10.0.0.1 a=/path/to/file.wav a=C:\\\\dir a=foo-bar_1 a=a.b.c a=$x a=%x a=*.wav a=@x a=a@b a=? a=??? a=a|b
a=http://x.y:80/z a='' a="" a='x' a="x" a='1' a="it's" a='it\\'s' a="a\\"b" a='a,b' a='[1]' a='${x}' a="a\\\\" a='\\\\' a='a\\b' a=[] a=[1] a=[1,2,3] a=[1,[2,x],{b:3}] a=[a,'b',"c"] a={} a={b:1}
a={b:1,c:{d:[1,2]}} a={b:c:d} a={'b':1} a={1:x} a={b:} a=[1,,2] a=[1 a=1] a={b a=(x) a=f(x) a=a=b a=a\\=b a=a\\,b a=\\[x\\] a=a\\:b a=\\(x\\) a=\\ x\\  a=${b} a=${b.c}/x a=${.b} a=x${b}
a=${oc.env:HOME} a=[${b},1] a={b:${c}} a=\\${b} a,b=1 a=1,2 a=x,y +a=1 ++a.b=1 ~a ~a.b ~a=1 ~a.b=x +~a=1 =1 + ~ a a.=1 .a=1 a..b=1 a/b=c a/b/c=d a@b=c a@b.c=d a/b@c=d a@=b a@b:c=d +a/b=c ~a/b ~a@b
a[0]=1 a.0=1 a.0.b=1 a-b=1 a_b=1 $a=1 a:b=1 a=1e5x a=0x10 a=1e a=- a=-- a=-x a=+x a=x+y a=. a=.. a=../x a=1-5 a=5% a=a'b' a='a a=1.5e+3 a=1_0.5 a=1e1_0 a=9223372036854775807""".split()
overrides += ["a=foo bar", "a= foo", "a=foo ", "a=  foo  bar  ", "a=[1, 2, x y]", "a={b: 1, c: d e}", "a=[ 1 , 2 ]", "a='a b'", "a=true false", "a=1 2", "a= ", "a=\\ ", "a = 1", "a=a\\ b", "a=x\\ ", "a={ b : 1 }",
              "a=x : y", "a=[a b , 'c d']", "a=\\\\", "a=\\\\\\,", "a=\\n", "a=a\\nb", "a={b c: 1}", "a=f (x)", "a=[x\\]]"]

tree = """
a: 1
b: ${a}
s: text
t: x_${s}_y
both: ${a}${s}
flag: true
none: null
num: 1e-5
big: 3.0
types: ${flag}|${none}|${num}|${big}
section: {x: 1, y: '${.x}', z: '${..a}', up: '${section.x}'}
whole: ${section}
through: ${whole.y}
list: [10, 20, {k: v}]
item: ${list[1]}
item2: ${list.0}
deep: ${list[2].k}
key: a
nested: ${${key}}
nested2: ${section.${which}}
which: x
env: ${oc.env:AVSS_TEST_SET}
env_default: ${oc.env:AVSS_TEST_UNSET,5}
env_quoted: ${oc.env:AVSS_TEST_UNSET,'a, b'}
env_null: ${oc.env:AVSS_TEST_UNSET,null}
env_nested: ${oc.env:AVSS_TEST_UNSET,${s}}
env_none: ${oc.env:AVSS_TEST_UNSET}
env_in: pre-${oc.env:AVSS_TEST_SET}-post
selected: ${oc.select:nothing,7}
selected2: ${oc.select:section.x,7}
selected3: ${oc.select:nothing}
escaped: \\${a}
escaped2: x\\\\${a}
loop1: ${loop2}
loop2: ${loop1}
self: ${self}
absent: ${nowhere.x}
absent2: ${section.w}
must: ???
uses_must: ${must}
unknown: ${no.such:1}
spaces: ${ a }
above: ${...a}
in_list: ['${a}', '${s}', '${.0}']
quoted: '${a}'
twice: ${t}/${t}
"""

composed = [
    ["primary"], ["self_first"], ["no_self"], ["no_defaults"], ["null_group"], ["missing_group"], ["missing_group", "db=mysql"], ["broken_group"], ["broken_group", "db=mysql"], ["override_in_defaults"], ["absolute"],
    ["packages"], ["several"], ["interpolated"], ["interpolated", "db=postgres"], ["interpolated", "db=sqlite"], ["bad_order"], ["twice"], ["nested_package"], ["with_exp"], ["with_exp", "exp=tuned"], ["with_exp", "exp=tuned", "lr=2"],
    ["with_exp", "exp=tuned", "db=mysql"], ["nowhere"], ["primary", "db=postgres"], ["primary", "db=oracle"], ["primary", "server/apache=large"], ["primary", "~db"], ["primary", "~db=mysql"], ["primary", "~db=postgres"], ["primary", "+model=small_mysql"],
    ["primary", "+model=moved"], ["primary", "+model@other=small_mysql"], ["primary", "model=small_mysql"], ["primary", "db=sqlite"], ["primary", "db@x=mysql"], ["primary", "+db@x=mysql"], ["primary", "+db=postgres"], ["primary", "server=[web,backup]"],
    ["primary", "server=backup"], ["packages", "db@source=postgres"], ["packages", "db=postgres"], ["absolute", "db=mysql"], ["no_defaults", "+db=mysql"], ["primary", "debug=true"], ["primary", "lr=1e-4", "name=x y"], ["primary", "trainer.n_epochs=3"],
    ["primary", "trainer.n_epoch=3"], ["primary", "unknown=1"], ["primary", "+unknown=1"], ["primary", "+a.b.c=1"], ["primary", "+debug=true"], ["primary", "++debug=true"], ["primary", "++new.x=1"], ["primary", "~debug"], ["primary", "~debug=false"],
    ["primary", "~debug=true"], ["primary", "~nothing"], ["primary", "~trainer.n_epochs"], ["primary", "list=[4]"], ["primary", "list=[]"], ["primary", "+list=[5]"], ["primary", "list.1=9"], ["primary", "list.7=9"], ["primary", "trainer={n_epochs:7}"], ["primary", "trainer={zzz:7}"],
    ["primary", "+trainer={zzz:7}"], ["primary", "trainer=null"], ["primary", "trainer=5"], ["primary", "trainer.resume={a:1}"], ["primary", "name.x=1"], ["primary", "trainer.path=/a/b"], ["primary", "+trainer.resume=x"], ["primary", "+trainer.path=x"],
    ["primary", "trainer.steps=${trainer.epoch_len}"], ["primary", "db.port=1", "db=postgres"], ["primary", "db={port:1}"], ["primary", "name=''"], ["primary", "name="], ["primary", "name='a,b'"], ["primary", "name=a,b"], ["primary", "db=1"], ["primary", "debug"],
    ["primary", "server/apache=huge"], ["primary", "++db=mysql"], ["primary", "db="],
]


def composition(case):
    with initialize_config_dir(version_base=None, config_dir=str(here.parent / "config/data")):
        return compose(config_name=case[0], overrides=case[1:])


def resolved(cfg):
    """Resolved, or null where a part of it cannot be."""
    return answer(lambda: text(OmegaConf.to_container(cfg, resolve=True)))


def at(key):
    v = OmegaConf.select(OmegaConf.create(tree), key, throw_on_missing=True)
    return text(OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v)


def override(line):
    o = OverridesParser.create().parse_override(line)
    if o.is_sweep_override():
        return None
    return {"type": o.type.name, "key": o.key_or_group, "package": o.package, "value": text(o.value()) if o.value_type is not None else "none"}


def main():
    golden = {
        "scalars": [[s, answer(lambda: text(OmegaConf.create("v: " + s).get("v") if "$" not in s and "???" not in s else OmegaConf.create("v: " + s)._get_node("v")._value()))] for s in scalars],
        "documents": [[s, answer(lambda: text(OmegaConf.create(s)))] for s in documents],
        "emitted": [[s, OmegaConf.to_yaml(OmegaConf.create(s))] for s in emitted],
        "overrides": [[s, answer(lambda: override(s))] for s in overrides],
        "tree": tree,
        "interpolations": [[k, answer(lambda: at(k))] for k in OmegaConf.create(tree).keys()],
        "composed": [],
    }
    for case in composed:
        cfg = answer(lambda: composition(case))
        golden["composed"].append([case, None if cfg is None else OmegaConf.to_yaml(cfg), None if cfg is None else resolved(cfg)])
    lines = json.dumps(golden, indent=0, ensure_ascii=True)
    (here / "config_golden.json").write_text(lines + "\n")
    print("config_golden.json: " + ", ".join("%d %s" % (len(v), k) for k, v in golden.items() if isinstance(v, list)))


if __name__ == "__main__":
    main()
