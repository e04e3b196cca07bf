"""Every Debian library this project uses."""

load(":system_library.bzl", "system_library")

_DIRS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]

_INCLUDES = ["/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu", "/usr/include"]

def _lib(name):
    return "|".join([d + "/lib" + name for d in _DIRS])

def _header(name):
    return "|".join([d + "/" + name for d in _INCLUDES])

def _openmpi(file):
    return "|".join([d + "/openmpi/include" + file for d in _DIRS])

def system_libraries():
    system_library(
        name = "eigen",
        package = "libeigen3-dev",
        probes = ["/usr/include/eigen3/Eigen/Core"],
        include_dirs = ["/usr/include/eigen3"],
    )
    system_library(
        name = "xtensor",
        package = "libxtensor-dev",
        probes = ["/usr/include/xtensor/xtensor.hpp", "/usr/include/xtl/xtl_config.hpp"],
    )
    system_library(
        name = "onednn",
        package = "libdnnl-dev",
        probes = ["/usr/include/oneapi/dnnl/dnnl.hpp", _lib("dnnl.so")],
        linkopts = ["-ldnnl"],
    )
    system_library(
        name = "gtest",
        package = "libgtest-dev",
        probes = ["/usr/include/gtest/gtest.h", _lib("gtest.a")],
        linkopts = ["-lgtest", "-lpthread"],
    )
    system_library(
        name = "gtest_main",
        package = "libgtest-dev",
        probes = ["/usr/include/gtest/gtest.h", _lib("gtest_main.a")],
        linkopts = ["-lgtest_main", "-lgtest", "-lpthread"],
    )
    system_library(
        name = "gmock",
        package = "libgmock-dev",
        probes = ["/usr/include/gmock/gmock.h", _lib("gmock.a")],
        linkopts = ["-lgmock", "-lgtest", "-lpthread"],
    )
    system_library(
        name = "benchmark",
        package = "libbenchmark-dev",
        probes = ["/usr/include/benchmark/benchmark.h", _lib("benchmark.so") + "|" + _lib("benchmark.a")],
        linkopts = ["-lbenchmark", "-lpthread"],
    )
    # Only //tools:download links these two.
    system_library(
        name = "archive",
        package = "libarchive-dev",
        probes = ["/usr/include/archive.h", _lib("archive.so")],
        linkopts = ["-larchive"],
        optional = True,
    )
    system_library(
        name = "curl",
        package = "libcurl4-openssl-dev",
        probes = [_header("curl/curl.h"), _lib("curl.so")],
        linkopts = ["-lcurl"],
        optional = True,
    )
    # Under the GPL: only //tools:synthesize links it.
    system_library(
        name = "espeak_ng",
        package = "libespeak-ng-dev",
        probes = ["/usr/include/espeak-ng/speak_lib.h", _lib("espeak-ng.so")],
        linkopts = ["-lespeak-ng"],
        optional = True,
    )
    # libavformat-dev brings the others along. Debian's build is under the GPL: only avss/io/media_* and the tools that read
    # films or telephone formats link it.
    system_library(
        name = "ffmpeg",
        package = "libavformat-dev",
        probes = [
            _header("libavformat/avformat.h"),
            _header("libavcodec/avcodec.h"),
            _header("libswresample/swresample.h"),
            _lib("avformat.so"),
        ],
        linkopts = ["-lavformat", "-lavcodec", "-lswresample", "-lavutil"],
    )
    # Pictures' sizes and colours; of FFmpeg, too.
    system_library(
        name = "swscale",
        package = "libswscale-dev",
        probes = [_header("libswscale/swscale.h"), _lib("swscale.so")],
        linkopts = ["-lswscale", "-lavutil"],
    )
    # Finds faces and their landmarks; only //tools:dlib_faces includes it. Its headers call BLAS and LAPACK, which the package
    # brings along without their own headers and links.
    system_library(
        name = "dlib",
        package = "libdlib-dev",
        probes = ["/usr/include/dlib/image_processing.h", _lib("dlib.so")],
        linkopts = ["-ldlib", "-l:liblapack.so.3", "-l:libblas.so.3"],
        optional = True,
    )
    # Only with --config=mpi.
    system_library(
        name = "openmpi",
        package = "libopenmpi-dev",
        probes = [_openmpi("/mpi.h"), _lib("mpi.so")],
        include_dirs = [_openmpi("")],
        linkopts = ["-lmpi"],
    )
    system_library(
        name = "png",
        package = "libpng-dev",
        probes = ["/usr/include/png.h", _lib("png.so")],
        linkopts = ["-lpng"],
    )
    system_library(
        name = "sndfile",
        package = "libsndfile1-dev",
        probes = ["/usr/include/sndfile.h", _lib("sndfile.so")],
        linkopts = ["-lsndfile"],
    )
    system_library(
        name = "yaml_cpp",
        package = "libyaml-cpp-dev",
        probes = ["/usr/include/yaml-cpp/yaml.h", _lib("yaml-cpp.so")],
        linkopts = ["-lyaml-cpp"],
    )
    system_library(
        name = "zlib",
        package = "zlib1g-dev",
        probes = ["/usr/include/zlib.h", _lib("z.so")],
        linkopts = ["-lz"],
    )
