"""Steps from the image towards the model's input tensor."""
