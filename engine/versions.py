"""When the engine began to give other bits: a configuration and a seed come out the same within one version.

A version is part of what is stored of a run's code (`search.execution.environment.code_version`), beside a digest of
the sources, which changes more often than bits do.
"""

CHANGES = {
    2: "runs in batches (batch_size > 1) are trained by kernels instead of BLAS; no other run has changed",
}
"""What each version changed, by its number; the first had nothing to change."""

ENGINE_VERSION = max(CHANGES)
"""The present one."""
