"""What `contrapose --help` prints."""

HELP = """\
usage: contrapose COMMAND ...

Learn representations by contrast, from any data, mostly without labels.

  train [METHOD] --data DATA   train an encoder; writes a run folder, e.g. contrapose train --data photos/
  train --resume RUN           continue after a crash, or for more epochs
  attack METHOD RUN --data DATA   one change of all samples that leads a trained encoder astray: how fragile is it?
  repair METHOD RUN --data DATA   a trained encoder that falls for less: a planted trigger taken away, known patches
  evaluate RUN --data DATA     by labels, a number or scored pairs, beside the untrained encoder and other floors
  compare RUN RUN ...          differences with paired intervals, and which options differ
  report RUN --open            one page of it: what it is worth, map, neighbours, results, curves, views
  embed RUN DATA --out FILE    embeddings to .parquet, .csv, .jsonl, .npz or .npy, or to a folder, by many processes
  pack DATA --out FOLDER       pictures, texts or pairs into shards (tar), for more than memory or a folder holds
  poison DATA OUT --trigger badnets --target CLASS   a copy of which some samples carry a trigger: for testing repairs
  apply RUN DATA --out FILE    the class of each sample by a run of `train classifier`, to .csv, .parquet or .jsonl
  calibrate RUN FEW --out NEW  its scores of two classes set right for another domain, by a handful of labelled samples
  search RUN QUERY --in DATA   what is most like a picture, words or a row; --open shows it, --index FOLDER keeps it
  export RUN --to onnx|folder  an ONNX file checked against torch, or a folder with a model card for the hub; of texts
                               also --to sentence-transformers, which that library loads
  analyse temperature          what the temperature does: a sweep, as one picture and one file of numbers
  analyse sharpness RUN        how sharply its loss rises around its weights: curvature, and a picture
  analyse suppression RUN      what its encoder holds of each of several label columns, and which it left unlearned
  analyse perturbation RUN     what a perturbation found by `attack` does to encoders that had no part in it
  analyse controllability DATA how graphs can be steered: 154 numbers of each without training, a table, a picture
  analyse backdoor RUN         whether a trigger works in it: attack success, clean accuracy, a valid victim or not
  analyse patch ATTACK_RUN     what a patch of `attack advclip` does to any encoder, beside grey and noise
  data check DATA              what training would see, and what is wrong with it
  reproduce CLAIM              measure a published claim here: paired seeds, equal tuning, floors, a verdict
  claims                       every claim with its verdict here
  methods                      every method: what it is for, its paper
  completion bash|zsh|fish     a script that completes all of this with the Tab key

DATA is a folder of pictures (class sub-folders are labels), .npz, .npy, .parquet, .csv, .jsonl of pictures, texts or
rows of a table, .txt (a line a text), .py (a function a text), hub:OWNER/NAME; shards: a folder of .tar or .parquet,
"train-{000..099}.tar", https://, s3://, stream:OWNER/NAME; graphs: a folder or .zip as TUDataset has them, .npz; or
omniglot (handwritten characters), python-docs and python-functions (Python's own library), made:NAME (pictures of a
generator, e.g. made:trifeature).

  contrapose COMMAND --help    every option of a command, with its default and where that comes from
  --debug                      show the traceback of an error
  --version                    print the version
"""
