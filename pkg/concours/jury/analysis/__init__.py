"""What a round's marks say beyond their means: pure functions over arrays, no SQL, no request.

Reading order: arrays, equations, model (entry + judge), scale (its second step), agreement, rankings, pairs; then
chances, judges, outcome and fairness, which puts the report together. Every formula is in docs/counting.md.
"""
