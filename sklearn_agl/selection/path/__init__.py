"""The path of the group lasso: fits under a rising penalty, refits, cross-validation.

`_fit_path` is the one way in. `_penalised_fits` trains, `_alpha_schedules` says with which
strengths, `_refits` repeats without penalty, and `_path` is what comes of it.
"""
