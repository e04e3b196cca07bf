"""A repository rule that wraps one library installed by a Debian package.

The repository is made only when a target needs it; a library that is missing
stops the build with the name of the package to install. What needs an optional
one that is missing is incompatible instead: skipped by //..., an error if asked
for by name.
"""

_BUILD = """\
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "{name}",
    hdrs = glob({globs}, allow_empty = True),
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
    target_compatible_with = {compatible},
    deps = {deps},
)
"""

def _first_existing(ctx, choices):
    for choice in choices.split("|"):
        if ctx.path(choice).exists:
            return choice
    return None

def _system_library_impl(ctx):
    missing = [p for p in ctx.attr.probes if not _first_existing(ctx, p)]
    if missing and not ctx.attr.optional:
        fail("\n\n  *** {lib} is not installed on this machine: {files} not found.\n  *** Install it with:   apt-get install {pkg}\n  *** (or run ./bazelw, which installs everything this project needs)\n".format(
            lib = ctx.name,
            files = ", ".join([m.replace("|", " or ") for m in missing]),
            pkg = ctx.attr.package,
        ))

    # Headers in the compiler's own directories need no -I. Any other directory
    # is linked into the repository, which makes its headers tracked inputs.
    includes = []
    globs = []
    for i, choices in enumerate(ctx.attr.include_dirs):
        d = _first_existing(ctx, choices)
        if not d:
            continue  # of an optional library that is missing
        link = "include%d" % i
        ctx.symlink(d, link)
        includes.append(link)
        globs.append(link + "/**")

    # The package's version goes into the command lines, so that an upgrade of
    # the package rebuilds what depends on it (bazel never hashes /usr/include).
    defines = list(ctx.attr.defines)
    dpkg = ctx.which("dpkg-query")
    if dpkg:
        r = ctx.execute([dpkg, "-W", "-f=${Version}", ctx.attr.package])
        if r.return_code == 0:
            version = "".join([c if c.isalnum() else "_" for c in r.stdout.strip().elems()])
            defines.append("SYSTEM_%s_%s" % (ctx.name.upper(), version))

    ctx.file("BUILD", _BUILD.format(
        name = ctx.name,
        globs = repr(globs),
        defines = repr(defines),
        includes = repr(includes),
        linkopts = repr(ctx.attr.linkopts),
        compatible = repr(["@avss//third_party/system:not_installed"] if missing else []),
        deps = repr(ctx.attr.deps),
    ))

system_library = repository_rule(
    implementation = _system_library_impl,
    local = True,
    configure = True,
    attrs = {
        "package": attr.string(mandatory = True, doc = "Debian package to install."),
        "probes": attr.string_list(mandatory = True, doc = "Files that must exist; 'a|b' means either."),
        "include_dirs": attr.string_list(doc = "Header directories outside the compiler's own; 'a|b' means either."),
        "linkopts": attr.string_list(),
        "defines": attr.string_list(),
        "deps": attr.string_list(),
        "optional": attr.bool(doc = "What needs it is skipped where it is missing."),
    },
)
