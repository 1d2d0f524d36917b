"""The feature views: each module here is one view, named ``VIEW``; nothing else lists them."""
