"""The benchmark on real label stacks: pixels are left out, predicted from the others, and compared with their labels."""
