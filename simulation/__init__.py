"""A simulated experiment: detectors, runs, beam, faults and their monitoring plots."""
