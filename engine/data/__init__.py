"""Images and their classes, from a file to three splits of sparse rows.

catalogue   what is known: names, files, checksums      load        a name or a path to a `Dataset`
reference   what is asked for, and a file's keys        user_data   what a user's file holds, before it is a data set
download    one file over HTTPS, verified               mnist, idx  MNIST's and Fashion-MNIST's files
user_file   a user's own file to three splits           user_npz, user_csv, user_idx   reading its three forms
csv_text, csv_names, csv_columns, csv_label             separators, names, header and roles, the label of a .csv
column_watch  columns that number rows or repeat labels
partition   which rows are for what                     dataset     splits as sparse rows
cache       a data set as it was prepared, mapped from disk
"""
