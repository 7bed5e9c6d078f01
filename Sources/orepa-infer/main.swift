print("orepa-infer")
