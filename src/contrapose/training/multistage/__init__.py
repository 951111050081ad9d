"""Training in stages that build on clusters: k-means as a job, batches by clusters, encoders put side by side."""
