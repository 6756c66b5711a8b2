"""What the rows of tables of accuracies are called, where they are written and where they are looked for."""

FOREST = "random forest"  # of whose rows a reader asks first
SOFTMAX = "softmax"  # of a network that was trained with labels, and decides by itself

BY_GROUP = "by-group"  # specimens that training never saw
LEAKY_CLASSIFIERS = "thesis (leaky classifiers)"  # copies of which are in the classifier's train side
LEAKY = "thesis (leaky)"  # and in the model's, too
