"""The long runs behind claims; each writes its record under reports/evidence/."""
