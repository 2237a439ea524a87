"""Accounts, departments, roles, sign-in; who may do what (by default nobody anything).

Reading order: models, access (the policies that routes name), passwords, sign_in, invitations, verbs, routes.
"""
