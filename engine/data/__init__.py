"""Images and their classes, from a file to three splits of sparse rows.

catalogue   what is known: names, files, checksums      load        a name or a path to a `Dataset`
download    one file over HTTPS, verified               mnist, idx  MNIST's and Fashion-MNIST's files
user_file   a user's own .npz or .csv                   user_csv    reading the latter, line by line
partition   which rows are for what                     dataset     splits as sparse rows
cache       a data set as it was prepared, mapped from disk
"""
