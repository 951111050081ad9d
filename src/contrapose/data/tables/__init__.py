"""Tables of any kind of data: files, frames, dictionaries and hub data sets, read column by column."""
