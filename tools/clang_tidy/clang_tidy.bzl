"""bazel build --config=clang-tidy //... : runs clang-tidy on every C++ source of this workspace."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_SOURCES = ("cc", "cpp", "cxx", "C")

def _clang_tidy_aspect_impl(target, ctx):
    if ctx.label.workspace_name or CcInfo not in target or not hasattr(ctx.rule.attr, "srcs"):
        return []
    if "no-clang-tidy" in ctx.rule.attr.tags:
        return []

    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = cc_toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + getattr(ctx.rule.attr, "copts", []),
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = "c++-compile",
        variables = variables,
    )
    flags = [f for f in flags if not f.startswith("-fno-canonical-system-headers") and
                                 not f.startswith("-Wno-free-nonheap-object") and
                                 f != "-Wunused-but-set-parameter"]

    # A library's context also holds what it exports; a binary's has its deps.
    context = target[CcInfo].compilation_context
    reports = []
    for src_target in ctx.rule.attr.srcs:
        for src in src_target.files.to_list():
            if src.extension not in _SOURCES or not src.is_source:
                continue
            report = ctx.actions.declare_file("_clang_tidy/%s/%s.txt" % (ctx.label.name, src.basename))
            args = ctx.actions.args()
            args.add(report)
            args.add(src)
            args.add("--")
            args.add_all(flags)
            args.add_all(context.defines, format_each = "-D%s")
            args.add_all(context.local_defines, format_each = "-D%s")
            args.add_all(context.quote_includes, before_each = "-iquote")
            args.add_all(context.includes, format_each = "-I%s")
            args.add_all(context.system_includes, before_each = "-isystem")
            ctx.actions.run_shell(
                inputs = depset(
                    [src, ctx.file._config] + [f for t in ctx.rule.attr.srcs for f in t.files.to_list()],
                    transitive = [context.headers, cc_toolchain.all_files],
                ),
                outputs = [report],
                arguments = [args],
                command = """
report=$1; shift
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed: apt-get install clang-tidy" >&2; exit 1; }
if ! clang-tidy --quiet "$@" > "$report" 2> "$report.err"; then sed "s#$PWD/##g" "$report" >&2; grep -v 'warnings\\? generated' "$report.err" >&2; exit 1; fi
""",
                use_default_shell_env = True,
                mnemonic = "ClangTidy",
                progress_message = "clang-tidy %s" % src.short_path,
            )
            reports.append(report)
    return [OutputGroupInfo(clang_tidy = depset(reports))]

clang_tidy_aspect = aspect(
    implementation = _clang_tidy_aspect_impl,
    attrs = {
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
