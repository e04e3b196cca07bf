"""cuda_library: compiles .cu files with nvcc into something cc_* rules can depend on."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load(":settings.bzl", "BuildSettingInfo")
load("@local_cuda//:defs.bzl", "CUDA")

def _gencode(archs):
    """'90' -> code for sm_90; '90+ptx' -> that and PTX for later devices."""
    flags = []
    for arch in archs:
        number = arch.replace("+ptx", "")
        flags.append("-gencode=arch=compute_%s,code=sm_%s" % (number, number))
        if arch.endswith("+ptx"):
            flags.append("-gencode=arch=compute_%s,code=compute_%s" % (number, number))
    return flags

def _std(ctx):
    """The last -std= of --cxxopt, which nvcc takes too."""
    std = "-std=c++17"
    for f in ctx.fragments.cpp.cxxopts:
        if f.startswith("-std=c++"):
            std = f
    return std

def _host_flags(ctx):
    """The parts of --copt/--cxxopt that the host compiler should see too."""
    flags = []
    for f in ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts:
        if f.startswith("-std="):
            continue  # nvcc gets its own -std
        flags.append(f)
    return flags

def _cuda_library_impl(ctx):
    if not CUDA.found:
        fail("\n\n  *** %s needs the CUDA toolkit, and no nvcc was found in $CUDA_HOME, $CUDA_PATH, /usr/local/cuda or /opt/cuda.\n  *** Install the toolkit or build without --config=cuda.\n" % ctx.label)

    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )

    dep_infos = [d[CcInfo] for d in ctx.attr.deps]
    dep_context = cc_common.merge_cc_infos(cc_infos = dep_infos).compilation_context
    archs = ctx.attr.archs or ctx.attr._archs[BuildSettingInfo].value
    mode = ctx.var["COMPILATION_MODE"]

    objects = []
    pic_objects = []
    for src in ctx.files.srcs:
        obj = ctx.actions.declare_file("_nvcc/%s/%s.pic.o" % (ctx.label.name, src.basename))
        args = ctx.actions.args()
        args.add_all(["-x", "cu", "-c", src, "-o", obj])
        args.add_all([_std(ctx), "--expt-relaxed-constexpr", "--extended-lambda", "-Werror=all-warnings", "-Xcompiler=-fPIC"])
        # "a conversion will not be called": nvcc does not see that a `requires` has left it out.
        args.add("-diag-suppress=554")
        args.add_all(["-ccbin", cc_toolchain.compiler_executable])
        args.add_all(_gencode(archs))
        if CUDA.major >= 13:
            args.add("--compress-mode=size")  # programs of half the size, which are carried to other machines
        args.add_all({"opt": ["-O3", "-DNDEBUG", "-lineinfo"], "dbg": ["-O0", "-g", "-G"]}.get(mode, ["-O1"]))
        args.add_all(_host_flags(ctx), format_each = "-Xcompiler=%s")
        args.add_all(ctx.attr.copts)
        args.add("-I.")
        args.add("-I" + ctx.bin_dir.path)
        args.add_all(dep_context.quote_includes, format_each = "-I%s", omit_if_empty = True)
        args.add_all(dep_context.includes, format_each = "-I%s", omit_if_empty = True)
        args.add_all(dep_context.system_includes, before_each = "-isystem", omit_if_empty = True)
        args.add_all(depset(ctx.attr.defines, transitive = [dep_context.defines]), format_each = "-D%s")
        args.add_all(ctx.attr.local_defines, format_each = "-D%s")
        ctx.actions.run(
            executable = CUDA.home + "/bin/nvcc",
            arguments = [args],
            inputs = depset(
                [src] + ctx.files.hdrs + ctx.files.textual_srcs,
                transitive = [dep_context.headers, cc_toolchain.all_files],
            ),
            outputs = [obj],
            env = {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "CUDA_TOOLKIT": CUDA.version,  # a new toolkit recompiles
            },
            mnemonic = "CudaCompile",
            progress_message = "Compiling CUDA %s" % src.short_path,
        )
        objects.append(obj)
        pic_objects.append(obj)

    compilation_context = cc_common.create_compilation_context(
        headers = depset(ctx.files.hdrs),
        defines = depset(ctx.attr.defines),
        quote_includes = depset([".", ctx.bin_dir.path]),
    )
    linking_context, linking_outputs = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = cc_toolchain,
        compilation_outputs = cc_common.create_compilation_outputs(
            objects = depset(objects),
            pic_objects = depset(pic_objects),
        ),
        user_link_flags = ctx.attr.linkopts,
        alwayslink = ctx.attr.alwayslink,
        disallow_dynamic_library = True,
        name = ctx.label.name,
        linking_contexts = [d.linking_context for d in dep_infos],
    )
    lib = linking_outputs.library_to_link
    files = [f for f in [lib.static_library, lib.pic_static_library] if f] if lib else []
    return [
        DefaultInfo(files = depset(files)),
        cc_common.merge_cc_infos(
            direct_cc_infos = [CcInfo(
                compilation_context = compilation_context,
                linking_context = linking_context,
            )],
            cc_infos = dep_infos,
        ),
        OutputGroupInfo(compilation_outputs = depset(objects)),
    ]

_cuda_library = rule(
    implementation = _cuda_library_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cu"]),
        "hdrs": attr.label_list(allow_files = [".h", ".hpp", ".cuh", ".inl"]),
        "textual_srcs": attr.label_list(allow_files = True),
        "deps": attr.label_list(providers = [CcInfo]),
        "copts": attr.string_list(),
        "defines": attr.string_list(),
        "local_defines": attr.string_list(),
        "linkopts": attr.string_list(),
        "alwayslink": attr.bool(),
        "archs": attr.string_list(doc = "Overrides --//:cuda_archs."),
        "_archs": attr.label(default = "//:cuda_archs"),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    provides = [CcInfo],
)

def cuda_library(name, deps = [], **kwargs):
    """A library of .cu files. Without --//:cuda it is incompatible: skipped by //..., an error if asked for."""
    _cuda_library(
        name = name,
        deps = deps + ["@local_cuda//:cudart_static"],
        target_compatible_with = select({
            "//:with_cuda": [],
            "//conditions:default": ["//:needs_cuda"],
        }),
        **kwargs
    )

def cuda_test(name, deps, tags = [], **kwargs):
    """A test of cuda_library targets. Without --//:cuda it is skipped."""
    native.cc_test(
        name = name,
        tags = tags + ["gpu"],
        target_compatible_with = select({
            "//:with_cuda": [],
            "//conditions:default": ["//:needs_cuda"],
        }),
        deps = deps,
        **kwargs
    )

def cuda_binary(name, deps, **kwargs):
    """A program of cuda_library targets. Without --//:cuda it is skipped."""
    native.cc_binary(
        name = name,
        target_compatible_with = select({
            "//:with_cuda": [],
            "//conditions:default": ["//:needs_cuda"],
        }),
        deps = deps,
        **kwargs
    )
