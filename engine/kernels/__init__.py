"""What is compiled: per-sample training and evaluation, on vectors of sixteen numbers.

launch       what `engine.training` calls: arrays in, arrays out
packing      from arrays to the kernels' layout and back
arguments    what kernels are given, in named tuples
network      trains one network                  population   trains sixteen linear models in lock-step
evaluation   measures loss and accuracy          softmax      probabilities and chosen classes
lazy_rows    rows touched only where their input is not zero
propagators  what momentum and weight decay do to a row that is not touched
simd         the vector type and its operations  vector_math  exp, tanh and the activations on it
"""
