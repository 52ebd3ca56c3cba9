"""Corpus jobs: whole corpora predicted and explained piece by piece, into shards that outlive whatever stops them."""
