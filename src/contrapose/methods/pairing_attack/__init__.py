"""What `cpgc` alone needs: the job that learns a delta and a word, and what both do to pairs that were kept out."""
