"""A parser of files from elsewhere under a fuzzer.

NAME_fuzz.cc defines LLVMFuzzerTestOneInput. By default it becomes a test that runs it over the corpus and over damaged files of
it; with --config=fuzz (clang 14; it cannot compile the YAML reader) a program of libFuzzer:
bazel run --config=fuzz //tests/fuzz:NAME_fuzz -- FOLDER
"""



def fuzz_target(name, corpus, deps, runs = 3000, size = "small"):
    """Declares the test NAME_fuzz.

    Args:
      name: of the parser.
      corpus: labels of files to start from; some of them must be readable.
      deps: of NAME_fuzz.cc, beside the contract.
      runs: how many damaged files the test tries.
      size: of the test.
    """
    native.cc_test(
        name = name + "_fuzz",
        size = size,
        srcs = [name + "_fuzz.cc"],
        args = select({
            ":libfuzzer": [],
            "//conditions:default": [str(runs)] + ["$(rootpaths %s)" % c for c in corpus],
        }),
        data = corpus,
        deps = deps + [":contract"] + select({
            ":libfuzzer": [],
            "//conditions:default": [":driver"],
        }),
    )
