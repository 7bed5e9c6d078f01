// OrepaPlan
