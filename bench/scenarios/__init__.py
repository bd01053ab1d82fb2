"""What is compared, a module each: a function from the stage and the sizes to rows of figures."""
