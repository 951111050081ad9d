"""What `advclip` alone needs: the job that learns a patch, and what the patch does to pairs that were kept out."""
