"""Data in shards: many tar or parquet files that are one data set, too large for the memory, read at any place."""
