"""The ground floor: the nouns of the house. They hold and check; work is done upstairs."""
