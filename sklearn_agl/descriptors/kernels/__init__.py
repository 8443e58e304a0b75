"""Everything compiled behind the symmetry functions.

`_kernel_plan` turns a set of functions into arrays and loop shapes, `_codegen` fills `_templates`
with them, and `_compile_cache` keeps the result. The loops visit cells, neighbours, pairs
(`_triplets`) or moments, and `_backpropagation` leads from energies back to positions.
`descriptors._evaluation` calls all this.
"""
