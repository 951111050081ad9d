"""What `t2i-supcon` alone needs: the job that trains a painter, and what its pictures are measured by."""
