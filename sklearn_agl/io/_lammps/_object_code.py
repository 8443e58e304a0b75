"""Kernels as object files for a linker, which need no Python at run time."""

import hashlib

import llvmlite.binding as llvm
import numba

from sklearn_agl.compiled._numba import bitcode_of
from sklearn_agl.descriptors.kernels._compile_cache import cached_bytes, fingerprint, load_kernel

SYMBOL = "agl_evaluate"
"""Name of the kernel."""

LEVELS = ("x86-64-v3", "x86-64-v4")
"""Levels of x86-64 processors, by the names that LLVM and g++ have for them."""

NEVER_CALLED = ("Py", "NRT_", "numba_")
"""How the names of Python and numba begin; they belong to the handling of errors and references."""


def compile_object(source, cpu):
    """Compile generated source that has a function `evaluate`, a ``numba.cfunc``.

    Parameters
    ----------
    source : str
    cpu : str
        "native" or one of `LEVELS`.

    Returns
    -------
    bytes
        An object file, where the function is named `SYMBOL`; kept in the cache folder.
    """
    options = _options(cpu)
    known = repr((fingerprint(source), sorted(options.items()), numba.__version__))
    name = f"sklearn_agl_object_{hashlib.sha256(known.encode()).hexdigest()[:16]}.o"
    return cached_bytes(name, lambda: _compile(source, options))


def _options(cpu):
    """The processor, as LLVM wants it."""
    if cpu == "native":
        features = llvm.get_host_cpu_features().flatten()
        return {"cpu": llvm.get_host_cpu_name(), "features": features}
    return {"cpu": cpu, "features": ""}


def _compile(source, options):
    function = load_kernel(source).evaluate
    # As text, by inspect_llvm, LLVM would refuse its own names as too long.
    module = llvm.parse_bitcode(bitcode_of(function))
    kernel = module.get_function(function.native_name)
    for other in module.functions:
        if not other.is_declaration and other.name != kernel.name:
            other.linkage = "internal"
    kernel.name = SYMBOL
    module.link_in(llvm.parse_assembly(_stubs(module)))
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        **options, opt=3, reloc="pic", codemodel="default"
    )
    return machine.emit_object(module)


def _stubs(module):
    """LLVM code of functions and variables that the object refers to and never uses."""
    functions = [own.name for own in module.functions if own.is_declaration]
    variables = [own.name for own in module.global_variables if own.is_declaration]
    lines = ["declare void @abort()"]
    lines += [
        f"define hidden void @{name}() {{\n call void @abort()\n unreachable\n}}"
        for name in functions
        if name.startswith(NEVER_CALLED)
    ]
    lines += [
        f"@{name} = hidden global i64 0" for name in variables if name.startswith(NEVER_CALLED)
    ]
    return "\n".join(lines)
