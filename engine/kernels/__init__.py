"""What is compiled: training, one image at a time or in batches, and evaluation, on vectors of sixteen numbers.

launch       arrays in, arrays out: what calls kernels       launch_batches  the same of batches, on several threads
packing      from arrays to the kernels' layout and back
arguments    what kernels are given, in named tuples
network      trains one network                  population   trains sixteen linear models in lock-step
batches      trains one network in batches       batch_lists  the lists that it works on
team         threads that do it together
evaluation   measures loss and accuracy          softmax      probabilities and chosen classes
lazy_rows    rows touched only where their input is not zero
propagators  what momentum and weight decay do to a row that is not touched
simd         the vector type and its operations  vector_math  exp, tanh and the activations on it
"""
