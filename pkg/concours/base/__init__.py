"""The ground every room stands on: configuration, SQL, Redis, jobs, files, time, words and refusals.

Reading order: config, errors, messages, clock, db, redis, queue, storage. Nothing here knows a contest.
"""
