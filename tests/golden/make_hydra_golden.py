#!/usr/bin/env python3
"""Writes hydra_golden.json: what Hydra 1.3.2 and OmegaConf 2.3.0 make of whole command lines, replayed by
tests/config/hydra_test.cc.

usage: pip install -r tests/golden/requirements.txt ; python3 tests/golden/make_hydra_golden.py
"""
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from make_config_golden import text

here = pathlib.Path(__file__).resolve().parent
warnings.simplefilter("ignore")
os.environ["AVSS_TEST_SET"] = "from env"
os.environ["AVSS_TEST_LIST"] = "[1, 2.5, a, ${a}]"
os.environ.pop("AVSS_TEST_UNSET", None)

# What a refusal is about: the first kind with a phrase in the message. The C++ test has the phrases of its own messages.
kinds = [
    ("primary", ["Cannot find primary config"]),
    ("ambiguous", ["Ambiguous value for argument"]),
    ("override", ["Could not override"]),
    ("append", ["Could not append to config"]),
    ("delete", ["Could not delete"]),
    ("specify", ["You must specify"]),
    ("several", ["Multiple values for"]),
    ("self", ["Duplicate _self_"]),
    ("order", ["Overrides must be at the end", "is defined before"]),
    ("option", ["Could not find", "Could not load"]),
    ("defaults", ["Error resolving interpolation", "nterpolated", "is not allowed in the defaults list"]),
    ("environment", ["Environment variable"]),
    ("mandatory", ["mandatory", "Missing mandatory value", "MissingMandatoryValue"]),
    ("resolver", ["Unsupported interpolation type"]),
    ("reference", ["Interpolation key", "nterpolation to missing node", "InterpolationResolutionError"]),
    ("cycle", ["RecursionError", "recursion", "cycle"]),
    ("duplicate", ["duplicate key", "given twice"]),
]


def kind_of(error):
    message = type(error).__name__ + ": " + str(error)
    for kind, phrases in kinds:
        if any(p in message for p in phrases):
            return kind
    return "other"


def answer(f):
    try:
        return f()
    except RecursionError as e:
        return {"refused": kind_of(e)}
    except Exception as e:
        while e.__cause__ is not None and kind_of(e) == "other":
            e = e.__cause__
        return {"refused": kind_of(e)}


# Trees of configurations: path -> text.
trees = {}
trees["plain"] = {
    "config.yaml": "defaults:\n- db: mysql\n- _self_\na: 1\nb: two\nc: {d: 3, e: [1, 2], f: {g: null}}\nflag: true\nneeded: ???\nref: ${a}\nempty: {}\n'q r': 1\n",
    "db/mysql.yaml": "host: h\nport: 3306\nopt: {x: 1, y: [a]}\n",
    "db/postgres.yaml": "host: p\nuser: ${a}\n",
    "db/sub/small.yaml": "size: 1\n",
    "db/sub/large.yaml": "size: 2\n",
    "other/x.yaml": "x: 1\n",
    "other/y.yaml": "y: ${.z}\nz: 5\n",
}
trees["selves"] = {
    "first.yaml": "defaults: [_self_, g: a, g@h: b]\ng: {v: own, only: 1}\nh: {v: own}\n",
    "last.yaml": "defaults: [g: a, g@h: b, _self_]\ng: {v: own, only: 1}\nh: {v: own}\n",
    "middle.yaml": "defaults: [g: a, _self_, g@h: b]\ng: {v: own, only: 1}\nh: {v: own}\n",
    "none.yaml": "defaults: [g: a, g@h: b]\ng: {v: own, only: 1}\nh: {v: own}\n",
    "two.yaml": "defaults: [_self_, g: a, _self_]\n",
    "empty.yaml": "",
    "only_list.yaml": "defaults: [g: a]\n",
    "empty_list.yaml": "defaults: []\na: 1\n",
    "from_none.yaml": "defaults: [none, _self_]\ng: {v: top}\n",
    "before_none.yaml": "defaults: [_self_, none]\ng: {v: top, extra: 1}\n",
    "list_values.yaml": "defaults: [g: a, _self_]\ng: {l: [9], m: {z: 1}}\n",
    "to_scalar.yaml": "defaults: [g: a, _self_]\ng: 5\n",
    "to_null.yaml": "defaults: [g: a, _self_]\ng: null\n",
    "to_missing.yaml": "defaults: [g: a, _self_]\ng: {v: ???, m: ???}\n",
    "scalar_first.yaml": "defaults: [_self_, g: a]\ng: 5\n",
    "interpolated_first.yaml": "defaults: [_self_, g: a]\ng: ${x}\nx: {k: 1}\n",
    "list_first.yaml": "defaults: [_self_, g: a]\ng: [1]\n",
    "g/a.yaml": "v: a\nl: [1, 2]\nm: {n: 1}\n",
    "g/b.yaml": "v: b\n",
    "g/nested.yaml": "defaults: [a, _self_]\nv: nested\n",
    "g/nested_first.yaml": "defaults: [_self_, a]\nv: nested\n",
    "use_nested.yaml": "defaults: [g: nested]\n",
    "use_nested_first.yaml": "defaults: [g: nested_first]\n",
}
trees["packages"] = {
    "config.yaml": "defaults: [g: a, g@x: b, g@x.y: c, g@_global_: d, _self_]\n",
    "headers.yaml": "defaults: [h: global, h: group, h: foo, h: deep]\n",
    "header1.yaml": "defaults: [h: global]\n", "header2.yaml": "defaults: [h: group]\n",
    "header3.yaml": "defaults: [h: foo]\n", "header4.yaml": "defaults: [h: deep]\n", "header5.yaml": "defaults: [h@over: foo]\n",
    "header6.yaml": "defaults: [h: group_rel]\n", "header7.yaml": "defaults: [h@_global_: foo]\n", "header8.yaml": "defaults: [h@a.b: global]\n",
    "here.yaml": "defaults: [g@_here_: a]\n", "here2.yaml": "defaults: [g@_here_.k: a]\n", "global_key.yaml": "defaults: [g@_global_.k: a]\n", "group_key.yaml": "defaults: [g@foo._group_: a]\n", "group_key2.yaml": "defaults: [s/t@foo._group_: a]\n",
    "sub.yaml": "defaults: [s/t: a]\n", "sub_pkg.yaml": "defaults: [s/t@z: a]\n", "outer.yaml": "defaults: [outer: o]\n", "outer_pkg.yaml": "defaults: [outer@p: o]\n", "outer_abs.yaml": "defaults: [outer: abs]\n",
    "outer_global.yaml": "defaults: [outer: glob]\n", "outer_pkgs.yaml": "defaults: [outer: pkgs]\n", "outer_abs_pkg.yaml": "defaults: [outer@p.q: abs]\n", "outer_rel.yaml": "defaults: [outer: rel]\n", "path.yaml": "defaults: [g/a, s/t/a@r]\n", "path2.yaml": "defaults: [g/a@k]\n",
    "abs_path.yaml": "defaults: [/g/a, /g/b@k]\n", "two_in_one.yaml": "defaults: [g@k: a, g@j: a, _self_]\nk: {v: 9}\n",
    "g/a.yaml": "v: a\n", "g/b.yaml": "v: b\n", "g/c.yaml": "v: c\n", "g/d.yaml": "v: d\n", "s/t/a.yaml": "st: ${.n}\nn: 1\n", "s/t/b.yaml": "st: b\n",
    "h/global.yaml": "# @package _global_\nhg: 1\n", "h/group.yaml": "# @package _group_\nhr: 1\n", "h/foo.yaml": "# @package foo\nhf: 1\n", "h/deep.yaml": "#   @package foo.bar\nhd: 1\n", "h/group_rel.yaml": "# @package foo._group_\nhq: 1\n",
    "outer/o.yaml": "defaults: [inner: i, _self_]\no: 1\n", "outer/inner/i.yaml": "i: 1\n", "outer/inner/j.yaml": "j: 1\n", "outer/abs.yaml": "defaults: [/g: a, /g@here: b, /g@_global_.top: c]\nabs: 1\n",
    "outer/glob.yaml": "# @package _global_\ndefaults: [/g: a, inner: i]\ntop: 1\n", "outer/pkgs.yaml": "defaults: [inner@k: i, inner@_global_: j, inner@_here_: j]\n", "outer/rel.yaml": "defaults: [o, inner/j]\nrel: 1\n",
}
trees["choices"] = {
    "config.yaml": "defaults: [_self_, db: mysql, optional net: none, model: small, data: d1, optional extra: ${db}_${model}, combo/${db}: ${model}]\nx: 1\n",
    "inter.yaml": "defaults: [db: mysql, model: small, both: ${db}_${model}]\n", "inter_opt.yaml": "defaults: [db: mysql, model: small, optional both: ${model}_${db}]\n", "inter_bad.yaml": "defaults: [db: mysql, both: ${nothing}]\n",
    "inter_missing.yaml": "defaults: [db: mysql, both: ${db}_none]\n", "opt.yaml": "defaults: [optional db: nothing, optional nogroup: x]\na: 1\n", "required.yaml": "defaults: [db: nothing]\n", "nogroup.yaml": "defaults: [nogroup: x]\n",
    "must.yaml": "defaults: [db: ???]\n", "must2.yaml": "defaults: [db: ???, model: small]\n", "null.yaml": "defaults: [db: null]\na: 1\n", "list.yaml": "defaults: [db: [mysql, pg], _self_]\n", "list_empty.yaml": "defaults: [db: []]\na: 1\n", "list_dup.yaml": "defaults: [db: [mysql, mysql]]\n",
    "ov.yaml": "defaults: [model: withdb, override db: pg]\n", "ov2.yaml": "defaults: [model: withdb, override /db: pg]\n", "ov3.yaml": "defaults: [model: withdb, override model/db: pg]\n", "ov_none.yaml": "defaults: [model: small, override db: pg]\n", "ov_first.yaml": "defaults: [override db: pg, db: mysql]\n",
    "ov_late.yaml": "defaults: [db: mysql, exp: e1]\n", "ov_twice.yaml": "defaults: [db: mysql, exp: e1, override db: sqlite]\n", "ov_null.yaml": "defaults: [db: mysql, override db: null]\n", "ov_pkg.yaml": "defaults: [db@k: mysql, override db@k: pg]\n", "ov_pkg_bad.yaml": "defaults: [db@k: mysql, override db: pg]\n",
    "ov_list.yaml": "defaults: [db: [mysql], override db: [pg, sqlite]]\n", "dup.yaml": "defaults: [db: mysql, db: pg]\n", "dup_same.yaml": "defaults: [db: mysql, db: mysql]\n", "cycle.yaml": "defaults: [cycle2]\n", "cycle2.yaml": "defaults: [cycle]\n", "self_cycle.yaml": "defaults: [self_cycle]\n",
    "bad_list.yaml": "defaults: {db: mysql}\n", "bad_entry.yaml": "defaults: [[a]]\n", "bad_two.yaml": "defaults: [{db: mysql, model: small}]\n", "not_map.yaml": "- 1\n- 2\n", "bool_option.yaml": "defaults: [sw: on]\n", "ext.yaml": "defaults: [db: mysql.yaml]\n", "num.yaml": "defaults: [num: 3]\n",
    "global_exp.yaml": "defaults: [db: mysql, model: small, exp: e2]\nlr: 1\n", "exp_null.yaml": "defaults: [db: mysql, model: small, exp: null, optional local: default]\n", "dup_key.yaml": "a: 1\nb: 2\na: 3\n",
    "db/mysql.yaml": "n: mysql\n", "db/pg.yaml": "n: pg\np: 1\n", "db/sqlite.yaml": "n: sqlite\n", "model/small.yaml": "m: s\n", "model/big.yaml": "m: b\n", "model/withdb.yaml": "defaults: [/db: mysql, db: mysql]\nm: w\n", "model/db/mysql.yaml": "inner: mysql\n", "model/db/pg.yaml": "inner: pg\n", "data/d1.yaml": "d: 1\n",
    "both/mysql_small.yaml": "b: ms\n", "both/pg_big.yaml": "b: pb\n", "extra/mysql_small.yaml": "e: 1\n", "combo/mysql/small.yaml": "cc: 1\n", "combo/pg/small.yaml": "cc: 2\n", "exp/e1.yaml": "# @package _global_\ndefaults: [override /db: pg]\ne: 1\n",
    "exp/e2.yaml": "# @package _global_\ndefaults: [override /db: pg, override /model: big]\nlr: 2\nmodel: {m: exp}\n", "sw/True.yaml": "sw: yes\n", "sw/on.yaml": "sw: on\n", "num/3.yaml": "three: 3\n",
}

composed = []


def add(tree, name, *lines):
    composed.extend([tree, name] + list(x if isinstance(x, (list, tuple)) else [x]) for x in (lines or [[]]))


add("plain", "config", [], *"""a=2 b= b='' c.d=4 c.e=[] c.e=[3] c.e.0=7 c.e[1]=8 c.e.2=1 c.f.g=1 c.f={g:2} c.f={h:2} +c.f={h:2} ++c.f={h:2,g:1} c={d:9} c={} +c={} c=null c=5 c.d.x=1 +c.d.x=1 ++c.d.x=1 +c.new=1
+c.new.deep.er=1 +c.e.0=9 +a=1 ++a=2 ++a.b=2 +needed=1 needed=1 needed=??? ref=2 ref=${b} ref=${c.d} ref=${c} +ref2=${.a} +c.k=${.d} +c.k=${..a} +c.k=${...a} +empty.x=1 empty={x:1} +empty={x:1} empty=null flag=no flag=False
flag=1 ~a ~a=1 ~a=2 ~a=one ~c.d ~c.e ~c.e.0 ~c.e=[1,2] ~c.f.g=null ~c ~c={d:3,e:[1,2],f:{g:null}} ~nope ~c.nope ~needed ~ref ~ref=1 ~b=two ~b='two' ~flag=true ~flag=True ~flag=1 zz=1 c.zz=1 c.e.x=1 cc.d=1 +zz=[] +zz={} +zz= +zz=null +zz=???
db=postgres db=mysql db=none db= db=null ~db ~db=mysql ~db=postgres +db=postgres +db=mysql ++db=postgres db.port=1 db.opt.x=2 db.opt={x:3} db.opt.y=[b,c] +db.opt.z=1 db.user=1 ~db.opt +other=x +other=y +other@a=x +other@foo=x +other@foo.bar=y +other@_global_=x +other@=x
other=x ~other ++other=x +other=nope +other=[x,y] +other=[x] db=[mysql,postgres] db=[] +db/sub=small db/sub=small +db/sub@k=large +db/sub=huge db@k=mysql +db@k=postgres ~db@k db@db=postgres +a.b=1 a.b=1 +nogroup=x nogroup=x nogroup/sub=x +nogroup/sub=x
c.e=1 a=[1] a={x:1} a=${nope} +'q r'=2 flag.x=1 needed.x=1 +needed.x=1 c.f.g.h=1 +c.f.g.h=1 ++c.f.g.h=1 c.f=null db.opt.y.0=z +c.e=[5] ++c.e=[5] ++c.e.0=5 ++c.e.5=5 =1 a a=1,2 c.e=1,2 ~a,b a.=1 .a=1""".split(),
    *["b=x y", "b='x y'", "b=\"it's\"", "b='a,b'", "b=a\\,b", "b=a\\=b", "b=a=b", "b=(x)", "b=\\(x\\)", "b={x", "b=[x", "b=x]", "b='x", "b=a:b", "b=/p/q.wav", "b=http://h:1/p?q@r", "b=C:\\\\x", "b=*", "b=-", "b=a|b", "b=${a}/${c.d}", "b=pre${a}post", "b=\\${a}"],
    ["a=1", "a=2"], ["a=1", "~a"], ["~a", "a=1"], ["~a", "+a=5"], ["+n=1", "n=2"], ["+n.m=1", "+n.k=2"], ["db=postgres", "db.user=me"], ["db.port=1", "db=postgres"], ["db=postgres", "db.port=1"], ["db=postgres", "db=mysql"], ["~db", "+db=postgres"],
    ["~db", "db=postgres"], ["+other=x", "other.x=5"], ["+other=x", "+other@o2=y"], ["+other=x", "+other=y"], ["+other@k=x", "other@k=y"], ["c={d:1}", "c.e=[9]"], ["~c", "+c.q=1"], ["+l=[1,2,3]", "l.1=x"], ["+db/sub=small", "db.size=7"], ["db=null", "+db=postgres"])
for n in trees["selves"]:
    if "/" not in n:
        add("selves", n[:-5], [], ["g=b"], ["~g"], ["+g@new=b"])
add("selves", "nothing", [])
add("selves", "firs", [])
for n in trees["packages"]:
    if "/" not in n:
        add("packages", n[:-5], [])
add("packages", "config", "g=b", "g@x=a", "g@x.y=a", "g@_global_=a", "g@nope=a", "~g@x", "~g@x=b", "~g@x=a", "x.v=1", "+g@x.z=a", "+g@_global_.n=a")
add("packages", "outer", "outer/inner=j", "~outer/inner", "+outer/inner@x=j", "outer/inner@outer.inner=j")
add("packages", "outer_pkg", "outer/inner=j", "outer/inner@p.inner=j", "outer@p=abs", "outer=abs", "~outer@p")
add("packages", "sub", "s/t=b", "s.t.n=2", "+s/t@q=b", "s/t@s.t=b")
add("packages", "header3", "h=global", "foo.hf=2", "h@foo=global", "h@h=deep")
add("packages", "path", "g=b", "g/a=b", "v=1", "g.v=1", "~g")
add("packages", "outer_global", "g=b", "outer/inner=j", "g@g=b")
add("packages", "outer_abs", "g@outer.g=b", "g@outer.here=c", "g=b", "g@top=a")
for n in trees["choices"]:
    if "/" not in n:
        add("choices", n[:-5], [])
add("choices", "config", "db=pg", "model=big", ["db=pg", "model=big"], "net=x", "+net=x", "~extra", "~db", "combo/mysql=big", "data=d2", ["db=pg", "data=d1"])
add("choices", "inter", "db=pg", ["db=pg", "model=big"], "both=pg_big", "~both", "~both=mysql_small")
add("choices", "must", "db=pg", "~db", "+db=pg", "db=???")
add("choices", "null", "db=pg", "+db=pg", "~db", "db=null")
add("choices", "list", "db=[pg]", "db=sqlite", "~db", "db=[sqlite,pg]", "~db=mysql", "~db=pg")
add("choices", "global_exp", "exp=e1", "db=sqlite", ["exp=e1", "db=sqlite"], "~exp", "model=small", "lr=3", "model.m=cli")
add("choices", "exp_null", "exp=e2", "+exp=e2", ["exp=e1", "model=big"], "local=mine", "exp=e9")
add("choices", "ov_late", "db=sqlite", "~db", "exp=e2", "~exp")
add("choices", "ov3", "model/db=mysql", "db=pg", "model=small")
add("choices", "bool_option", "sw=true", "sw=on", "sw='on'")
add("choices", "num", "num=3", "num=4")
add("choices", "opt", "db=pg", "db=other", "nogroup=y", "+db=pg", "~db")

# Values on the command line, and what the basic sweeper makes of them.
sweeps = []
values = """1 1,2 a,b a,b,c 1,a,true,null,1.5 'a,b' 'a','b' "a","b" 'a','it\\'s' [1,2],[3] {a:1},{b:2} [a,b] a, ,a a,,b 1,2,3.0 1e-3,1e-4 1e3,2 inf,nan -1,+1 x\\,y,z ${a},${b} a=b,c true,FALSE null,NULL range(3) range(1,4) range(1,10,3) range(10,1,-3) range(3,1) range(0)
range(1,2,0.5) range(0,1,0.1) range(1.0,3) range(-2,2) range(1,3,0) range(1.5) range(a) range() range(1,2,3,4) range(start=1,stop=3) range(1,stop=4,step=2) range(stop=2) range(step=1,2) choice(a) choice(a,b) choice(1,2.0,true) choice([1],[2,3]) choice({a:1},{b:2})
choice() choice(choice(a,b)) choice(choice(a)) choice('a','b') choice(range(3)) interval(0,1) interval(1) interval(a,b) tag(t,choice(a,b)) tag(a,b,range(2)) tag(choice(a)) tag(a) tag() tag(1,choice(a,b)) glob(*) glob(m*) glob([m*,p*]) glob(*,exclude=m*) glob(*,exclude=[m*,p*]) glob(include=p*) glob(x*) glob(1) glob()
int(3.7) int(3) int('4') int(a) int(true) int(1,2.5) int([1.5,'2']) int({a:1.5}) int(choice(1.2,2.3)) int(range(1.0,3.0)) int() int(null) int(-2.7) int(1e3) int(nan) float(1) float('1e-3') float(x) float(1,2) float([1,2]) float(range(1,3)) float(true) float('inf') str(1) str(1.0) str(1.50) str(true) str([1,true]) str({a:1})
str(1,2) str('a') str(null) str(range(2)) str(choice(1,2)) str(1e-5) str(1e20) bool(1) bool(0) bool(true) bool('false') bool(x) bool(0.0) bool(1,0) bool([0,1]) bool(choice(0,1)) bool(range(2)) sort(3,1,2) sort(c,a,b) sort([3,1,2]) sort(3,1,2,reverse=true) sort([a,c,b],reverse=true) sort(choice(2,1)) sort(range(3,0,-1))
sort(range(0,3),reverse=true) sort(1,a) sort(1) sort() sort(1.5,1,true) sort(list=[2,1]) sort(sweep=choice(b,a)) sort([]) sort([[2],[1]]) sort('b','a') sort(range(5,1,-2)) shuffle([1]) shuffle(choice(a)) nosuch(1) int(int(1.5)) str(int(1.5)) int(float(1)) choice(int(1.5),2) [int(1.5)] {a:str(1)} [choice(a,b)] int(1.5),2 choice(a,b),c range(2),5
int(value=2.5) int(1,value=2) choice(a) x(y int(1)) f(1)(2) RANGE(3) range(1,3),a""".split() + ["range(1, 4)", "choice (a, b)", "a, b", " a , b ", "choice( a , b )", "int( 1.5 )", "a b, c d", "choice(a b, 'c d')", "range(1,\t4)", "[1, 2], [3, 4]", "{a: 1}, {b: 2}",
    "x: y, z", "sort( 3, 1 )", "choice(a,b) ", "a\\ b,c", "/p/a b,/q", "a:b,c", "(a),b", "'a b',c", "\"x\\\"y\",z"]
sweeps += [["a=" + v] for v in values if v not in ("shuffle([1])",)]
sweeps += [["db=" + v] for v in ("glob(*)", "glob(m*)", "glob([m*,p*])", "glob(*,exclude=m*)", "glob([*],exclude=[p*])", "glob(include=p*)", "glob(?ysql)", "glob([!m]*)", "glob(none)", "mysql,postgres", "choice(mysql,postgres)", "[mysql,postgres],[mysql]")]
sweeps += [["a=1,2", "b=x,y"], ["a=1,2", "b=x"], ["b=x", "a=1,2"], ["+n=1,2"], ["++n=1,2"], ["~a", "b=1,2"], ["~a=1", "b=1,2"], ["~a=1,2"], ["a=1,2", "a=3"], ["a=1", "a=3,4"], ["db@k=mysql,postgres"], ["+db@k=mysql,postgres", "a=range(2)"], ["a=1,2", "b=choice(x,y)", "flag=true,false"],
           ["a=x y,z"], ["a=[1,2,{b: c}],3"], ["a='x',\"y\""], [], ["a=${b}"], ["a=1_0,2_0"], ["a=1e5,0x1"], ["a=True,off"], ["a="], ["a='',b"], ["a=1.0,2.50"], ["a=1e-7,1e7,1e17"]]

# References; what a key of the tree reads.
references = r"""
a: 1
s: text
neg: -2.5
n: null
t: true
sec: {x: 1, y: '${.x}', z: {w: '${..x}', v: '${...a}', u: '${a}'}, l: ['${..x}', '${a}', {k: '${...x}'}]}
lst: [10, 20, {k: v}, [1, 2]]
miss: ???
r1: ${sec.x}
r2: ${sec}
r3: ${sec.z.w}
r4: ${lst}
r5: ${lst[0]}
r6: ${lst.1}
r7: ${lst[2].k}
r8: ${lst[2][k]}
r9: ${[lst][0]}
r10: ${sec[z][w]}
r11: ${sec[z].v}
r12: ${sec.l[2].k}
r13: ${lst[3][1]}
r14: ${lst[9]}
r15: ${lst.x}
r16: ${sec.l}
r17: ${.a}
r18: ${..a}
r19: ${r2.z.w}
r20: ${lst[-1]}
t1: x${a}y
t2: ${a}${s}
t3: ${a} ${s}
t4: ${n}|${t}|${neg}
t5: x${lst}
t6: x${sec}
t7: \${a}
t8: \\${a}
t9: \\\${a}
t10: a\b${a}
t11: $a
t12: $${a}
t15: "${ a }"
t16: "${a }x"
t17: "}${a}"
t18: "${a}}"
t19: x$
k1: ${${which}}
which: s
k2: ${sec.${axis}}
axis: x
k4: ${sec[${axis}]}
k5: ${lst[${a}]}
empty: ''
e1: ${oc.env:AVSS_TEST_SET}
e2: ${oc.env:AVSS_TEST_UNSET}
e3: ${oc.env:AVSS_TEST_UNSET,5}
e4: ${oc.env:AVSS_TEST_UNSET,null}
e5: ${oc.env:AVSS_TEST_UNSET,'x y'}
e6: ${oc.env:AVSS_TEST_UNSET,a b c}
e7: ${oc.env:AVSS_TEST_UNSET,${s}}
e8: ${oc.env:AVSS_TEST_UNSET,"a,b"}
e9: ${oc.env:AVSS_TEST_UNSET,/p/q-r.s}
e10: ${oc.env:AVSS_TEST_UNSET,a:b}
e11: "${oc.env: AVSS_TEST_SET }"
e12: ${oc.env:AVSS_TEST_UNSET,}
e13: ${oc.env:AVSS_TEST_UNSET,1.50}
e14: ${oc.env:AVSS_TEST_UNSET,true}
e15: ${oc.env:AVSS_TEST_UNSET,[1]}
e16: ${oc.env:}
e17: ${oc.env:A,B,C}
e18: ${oc.env:AVSS_TEST_UNSET,''}
e19: ${oc.env:AVSS_TEST_${name},d}
name: SET
e20: ${oc.env:AVSS_TEST_UNSET,${oc.env:AVSS_TEST_SET}}
e21: ${oc.env:AVSS_TEST_UNSET,a\,b}
e22: "${oc.env:AVSS_TEST_UNSET, d }"
d1: ${oc.decode:'1'}
d2: ${oc.decode:"[1, 2.5, a]"}
d3: "${oc.decode:'{a: 1, b: [x]}'}"
d4: ${oc.decode:null}
d5: ${oc.decode:${oc.env:AVSS_TEST_LIST}}
d6: ${oc.decode:1}
d7: ${oc.decode:'abc'}
d8: ${oc.decode:"'abc'"}
d9: ${oc.decode:'1e-3'}
d10: ${oc.decode:'null'}
d11: ${oc.decode:'True'}
d12: ${oc.decode:"[1"}
d13: ${oc.decode:'$${a}'}
d14: ${oc.decode:''}
d15: ${oc.decode:${oc.env:AVSS_TEST_UNSET,null}}
d16: ${oc.decode:'0x10'}
d17: ${oc.decode:'1_000'}
d18: ${oc.decode:"1,2"}
d19: ${oc.decode:${s}}
c1: "${oc.create:{x: 1, y: 2}}"
c2: ${oc.create:[1,2]}
c3: "${oc.create:${sec.z}}"
c4: ${oc.create:a}
c5: "${oc.create:{x: {y: 1}}}"
c6: ${c1.x}
c7: ${c2[1]}
s1: ${oc.select:a}
s2: ${oc.select:nope}
s3: ${oc.select:nope,7}
s4: ${oc.select:sec.x,7}
s5: ${oc.select:n,7}
s6: ${oc.select:miss,7}
s8: ${oc.select:sec}
s9: ${oc.select:nope,${a}}
s10: ${oc.select:"nope x",z}
s11: ${oc.select:nope,null}
s12: ${oc.select:r1}
s13: ${oc.select:r14,d}
s14: ${oc.select:nope,[1,a]}
s15: {p: "${oc.select:.q}", q: 3}
s16: ${oc.select:}
p1: ${oc.deprecated:a}
p2: ${oc.deprecated:sec}
p3: ${oc.deprecated:nope}
p4: ${oc.deprecated:a,'use $NEW_KEY'}
p5: ${oc.deprecated:1}
p6: ${oc.deprecated:sec.y}
v1: ${oc.dict.keys:sec}
v2: ${oc.dict.values:sec}
v3: ${oc.dict.keys:lst}
v4: ${oc.dict.keys:nope}
v5: ${oc.dict.values:sec.z}
v6: ${oc.dict.keys:r2}
v7: {in: {a: 1, b: 2}, ks: "${oc.dict.keys:.in}", vs: "${oc.dict.values:.in}"}
v8: ${oc.dict.keys:empty_sec}
empty_sec: {}
v9: ${oc.dict.values:miss}
v10: ${oc.dict.keys:a}
x1: ${nosuch:1}
x2: ${nosuch:}
x3: ${oc.nothing:a}
x4: ${now:a_b}x
x5: ${now:%%}
l1: ${l2}
l2: ${l3}
l3: ${l1}
l4: ${l4}
l5: {a: "${l5.b}", b: "${l5.a}"}
l6: {a: "${l6}"}
m1: ${miss}
m2: x${miss}
m3: ${m1}
""".strip("\n")

# YAML texts: values after loading, and the same dumped.
documents = [
    "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}\n", "a: &x {p: 1}\nc:\n  q: 0\n  <<: *x\n  p: 9\n", "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n", "a: {<<: 1}\n", "a: &x [1]\nb: {<<: *x}\n", "a: {'<<': 1}\n",
    "a: &x {p: 1}\nb: {<<: *x, <<: *x}\n", "a: &x 5\nb: [*x, *x]\n", "a: &x [1, 2]\nb: *x\nc: {d: *x}\n", "a: 1\r\nb: 2\r\n", "\ufeffa: 1\nb: 2\n", "a: 1\n\tb: 2\n", "a:\n\t- 1\n", "a:\t1\n", "a: 1\t\n", "a: 1\nb: 2\na: 3\n", "a:\n  b: 1\n  b: 2\n", "{a: 1, a: 2}\n", "1: x\n2: y\n", "1.5: x\n",
    "true: x\n", "yes: x\n", "null: x\n", "~: x\n", "a: {1: b}\n", "[a, b]: c\n", "{a: b}: c\n", "a: |\n  x\n  y\n", "a: |-\n  x\n", "a: |+\n  x\n\n", "a: >\n  x\n  y\n\n  z\n", "a: >-\n  x\n   y\n", "a: 'x\n  y'\n", "a: \"x\\\n  y\"\n", "a: x\n  y\n\n  z\n", "a: # c\n  b: 1\n", "# c\na: 1 # d\n", "a: 'x # y'\n",
    "%YAML 1.1\n---\na: 1\n", "---\na: 1\n...\n", "---\na: 1\n---\nb: 1\n", "a: !!int '5'\n", "a: !!float 5\n", "a: !!str 5\n", "a: !!bool yes\n", "a: !!null ''\n", "a: !!binary aGk=\n", "a: !!set {x, y}\n", "a: !!omap [x: 1]\n", "a: !foo 1\n", "a: !!seq [1]\n", "a: !!map {b: 1}\n", "a: !!timestamp 2001-01-01\n",
    "a: 1\n b: 2\n", "a\n", "'a'\n", "5\n", "null\n", "[]\n", "{}\n", "a:\n- 1\n-\n- null\n", "a: [1, 2,]\n", "a: {b, c}\n", "a: {b: , c: }\n", "a: [,]\n", "? a\n? b\n", "? a\n: [1]\n", "a: *x\n", "a: &x\nb: *x\n", "&x a: 1\n*x : 2\n", "a: ${b\n", "a: $b\n", "a: ${b.c}}\n", "a: x: y\n", "a: -\n", "a: - b\n", "a: ?\n", "a: :\n", "a: =\n",
    "a: \"\\x41\\u00e9\\U0001F600\\t\\n\"\n", "a: '\u00e9\u4e2d'\n", "a: \"\\q\"\n", "a: 'x''y'\n", "a: \"x\\\"y\"\n", "a: [a b, c:d, 'e']\n", "a: {b: c d, e: f:g}\n", "a: {b:c}\n", "a: [x, [y, {z: 1}]]\n", "a: [1\n  , 2]\n", "a: @b\n", "a: `b`\n", "a: %b\n", "a: !\n", "a: &\n", "a: *\n", "a: |\n", "a: >\n", "a: ''\n", "a: ???\n", "a: '???'\n", "a: .\n",
]
documents += ["v: " + x + "\n" for x in ("0o7 0b1 0b12 0xG +0x1F -0b11 +012 0_1 08.5 1e 1e5 1E-5 1.e5 -1.5e-3 +1e3 1e+03 1_000.5 1_0e2 .1e5 .1e+5 ._1 _ 1:2 1:2:3 1:02 01:30 1:60 60:00 -1:30 1:30.5 1:2.5 12:30:45.5 0:0 +1:1 .inf +.inf -.inf .INF .Inf .iNf .nan .NAN .NaN inf nan "
                    "NaN True TRUE tRUE On ON oN off OFF Yes YES yES No n y N Y Null NULL nULL ~ 2001-01-01 2001-1-1 12:00:00 1.2.3 1-2 1+1 --1 ++1 1e1.5 0.0 -0 +0 00 007 0777 0888 9999999999 9223372036854775807 1e308 1e309 1e-400 0.1e1 123e 1__2 1_ 0x_1 0b_1 a1 1a 10% 5.0 5.10 1e0 100000000000000000000").split()]
documents += ['t13: ${a\n', 't14: ${}\n', 't20: "${a.}"\n', 't21: ${a b}\n', 'k3: ${${a}${a}}\n', 'k6: ${s${empty}}\n', 's7: ${oc.select:lst[1]}\n']  # refused as a whole


def configuration(tree, folder):
    for path, body in trees[tree].items():
        file = folder / tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body)
    return str(folder / tree)


def composition(folders, case):
    with initialize_config_dir(version_base="1.2", config_dir=folders[case[0]]):
        cfg = compose(config_name=case[1], overrides=case[2:])
    whole = answer(lambda: text(OmegaConf.to_container(cfg, resolve=True)))
    return {"yaml": OmegaConf.to_yaml(cfg), "resolved": whole}


def jobs(folders, lines):
    loader = ConfigLoaderImpl(config_search_path=create_config_search_path(folders["plain"]))
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(lines))
    return list(itertools.chain.from_iterable(BasicSweeper.split_arguments(parsed, None)))


def element(line):
    """A value without a sweep, with its type; null for a sweep."""
    o = OverridesParser.create().parse_override(line)
    return None if o.is_sweep_override() else text(o.value())


def reading(key):
    cfg = OmegaConf.create(references)
    v = OmegaConf.select(cfg, key, throw_on_missing=True)
    return text(OmegaConf.to_container(v, resolve=True, throw_on_missing=True) if OmegaConf.is_config(v) else v)


def document(s):
    cfg = OmegaConf.create(s)
    return {"value": text(cfg), "yaml": OmegaConf.to_yaml(cfg)}


# Whole runs of a program: what they leave behind. {} is the folder where it is called.
sample = """
import logging, os
import hydra, hydra.utils
@hydra.main(config_path="conf", config_name="config", version_base="1.2")
def main(cfg):
    logging.getLogger("sample").info("a is %s in %s, VALUE %s", cfg.a, os.path.relpath(os.getcwd(), hydra.utils.get_original_cwd()), os.environ.get("VALUE", "unset"))
    if cfg.get("bad", False):
        raise ValueError("bad")
main()
"""
sample_config = "defaults: [db: mysql, _self_]\na: 1\nb: ${a}\n"
swept_config = "a: 1\nhydra:\n  sweeper:\n    params:\n      a: 4,5\n      +c: range(2)\n"
quiet_config = "defaults: [override hydra/job_logging: disabled, _self_]\na: 1\nhydra: {output_subdir: rec}\n"
runs = [[], ["a=2"], ["a=2", "+c=x y", "db=pg"], ["hydra.run.dir=here"], ["hydra.run.dir=out/${a}", "a=7"], ["hydra.run.dir=out/${db.n}"], ["hydra.run.dir=out/${hydra.job.override_dirname}", "b=3", "a=2", "db=pg"], ["hydra.output_subdir=null", "hydra.run.dir=here"],
        ["hydra.output_subdir=meta", "hydra.run.dir=here"], ["hydra/job_logging=disabled", "hydra.run.dir=here"], ["hydra/job_logging=stdout", "hydra.run.dir=here"], ["hydra.job.name=other", "hydra.run.dir=here"], ["hydra.job.chdir=true", "hydra.run.dir=here"], ["hydra.run.dir=${hydra:job.name}/x"],
        ["hydra.job.env_set.VALUE=7", "hydra.run.dir=here"], ["+hydra.job.env_set.VALUE=7", "hydra.run.dir=here"], ["-m"], ["-m", "a=1,2"], ["a=1,2", "--multirun", "db=mysql,pg"], ["-m", "a=range(3)", "hydra.sweep.dir=sw"], ["-m", "a=1,2", "hydra.sweep.dir=sw", "hydra.sweep.subdir=${hydra.job.override_dirname}"],
        ["-m", "a=1,2", "hydra.sweep.dir=sw", "hydra.sweep.subdir=${a}_${hydra.job.num}_${hydra:job.id}"], ["-m", "db=glob(*)", "hydra.sweep.dir=sw"], ["-m", "+bad=true,false", "a=5", "hydra.sweep.dir=sw"], ["+bad=true"], ["-m", "a=1,2", "hydra/hydra_logging=disabled", "hydra.sweep.dir=sw"], ["a=1,2"], ["-m", "nope=1,2"],
        ["-m", "a=1,2", "hydra.run.dir=x,y"], ["-m", "a=1,2,3", "hydra.sweep.dir=sw", "hydra.sweeper.max_batch_size=2"], ["+hydra.sweeper.params.a='4,5'", "-m", "hydra.sweep.dir=sw"], ["hydra.mode=MULTIRUN", "a=1,2", "hydra.sweep.dir=sw"], ["-m", "hydra.sweep.dir=sw", "hydra.job.chdir=true", "a=1,2"],
        ["hydra.job.config.override_dirname.exclude_keys=[a]", "hydra.run.dir=out/${hydra.job.override_dirname}", "a=2", "b=3"], ["hydra.job.config.override_dirname.kv_sep=-", "hydra.job.config.override_dirname.item_sep=_", "hydra.run.dir=out/${hydra.job.override_dirname}", "a=2", "b=3"],
        ["-c", "job"], ["-c", "job", "--resolve"], ["-c", "job", "-p", "db"], ["-c", "job", "-p", "nope"], ["-c", "jobs"], ["-cn", "second"], ["--config-name=second", "a=3"], ["-cd", "more", "db=extra", "hydra.run.dir=here"], ["-cn=nope"], ["hydra.nope=1"], ["+hydra.nope=1", "hydra.run.dir=here"],
        ["hydra.searchpath=[file://more]", "db=extra", "hydra.run.dir=here"], ["hydra.run.dir=file.txt/x"], ["-m", "-cn", "swept", "hydra.sweep.dir=sw"], ["-m", "-cn", "swept", "hydra.sweep.dir=sw", "a=6"], ["-cn", "quiet", "hydra.run.dir=here"]]


def left_by(arguments, folder):
    """Status, what is printed of jobs or of the configuration, and the files with the texts that tell something."""
    (folder / "conf" / "db").mkdir(parents=True)
    (folder / "more" / "db").mkdir(parents=True)
    (folder / "sample.py").write_text(sample)
    (folder / "file.txt").write_text("")
    for name, body in {"conf/config.yaml": sample_config, "conf/db/mysql.yaml": "n: mysql\n", "conf/db/pg.yaml": "n: pg\n", "conf/second.yaml": "a: second\n", "conf/swept.yaml": swept_config, "conf/quiet.yaml": quiet_config, "more/db/extra.yaml": "n: extra\n"}.items():
        (folder / name).write_text(body)
    given = {p for p in folder.rglob("*")}
    environment = {k: v for k, v in os.environ.items() if k != "VALUE"}
    done = subprocess.run([sys.executable, "sample.py"] + arguments, cwd=folder, capture_output=True, text=True, env=environment)
    out = done.stdout if any(a in arguments for a in ("-c", "--cfg")) else "".join(x.split("][HYDRA] ")[1] + "\n" for x in done.stdout.splitlines() if "][HYDRA] " in x)
    files = {}
    for p in sorted(folder.rglob("*")):
        if p in given or p.is_dir():
            continue
        name = re.sub(r"\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d", "NOW", str(p.relative_to(folder)))
        body = p.read_text()
        if name.endswith(".log"):
            body = "".join(line.split("] - ")[1] + "\n" for line in body.splitlines() if "] - " in line)
        elif p.name not in ("config.yaml", "overrides.yaml"):
            body = None
        files[name] = body
    return {"failed": done.returncode != 0, "out": out if done.returncode == 0 else "", "files": files}


def main():
    with tempfile.TemporaryDirectory() as name:
        from hydra._internal.utils import _run_hydra  # noqa: F401  (registers the resolvers now, hydra, python_version)
        from hydra.core.utils import setup_globals
        setup_globals()
        folders = {t: configuration(t, pathlib.Path(name)) for t in trees}
        golden = {
            "trees": trees,
            "composed": [[c, answer(lambda: composition(folders, c))] for c in composed],
            "sweeps": [[s, answer(lambda: jobs(folders, s))] for s in sweeps],
            "elements": [[s[0], answer(lambda: element(s[0]))] for s in sweeps if len(s) == 1],
            "references": references,
            "read": [[k, answer(lambda: reading(k))] for k in OmegaConf.create(references).keys()],
            "sample": {"config": sample_config, "swept": swept_config, "quiet": quiet_config},
            "runs": [[r, left_by(r, pathlib.Path(name) / "runs" / str(i))] for i, r in enumerate(runs)],
            "documents": [[d, answer(lambda: document(d))] for d in documents],
        }

    def line(case):  # a pair of surrogates, which JSON has and YAML has not, as the character itself
        pairs = r"(?:\\ud[89ab]..\\ud[c-f]..)+"
        return re.sub(pairs, lambda m: json.loads('"%s"' % m.group()), json.dumps(case, separators=(",", ":")))

    with open(here / "hydra_golden.json", "w") as out:  # one case a line: short, and a change of it is seen
        out.write("{\n")
        for i, (section, cases) in enumerate(golden.items()):
            body = json.dumps(cases)
            if isinstance(cases, list):
                body = "[\n" + ",\n".join(line(c) for c in cases) + "\n]"
            out.write(json.dumps(section) + ": " + body + (",\n" if i + 1 < len(golden) else "\n}\n"))
    print("hydra_golden.json: " + ", ".join("%d %s" % (len(v), k) for k, v in golden.items() if isinstance(v, list)))


if __name__ == "__main__":
    main()
