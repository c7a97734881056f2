"""Mutants: each rule and each condition of authorise, release and verify taken back in turn. Do the tests notice?"""
