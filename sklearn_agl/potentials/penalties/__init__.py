"""What large weights cost, and the proximal steps that make groups of them zero."""
