"""Is it real? Losses that tell what was written from what a model, or chance, put in its place.

Functions of logits, scores and energies; the learners that make these of texts (`ReplacedTokens`, `CandidateScores`,
`ResidualEnergy`) have the interface of all others, `forward(batch) -> Step`, the loss and what to log.
"""
