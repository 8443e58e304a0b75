"""One structure after the other, as molecular dynamics asks for them: the calculator for ASE."""
