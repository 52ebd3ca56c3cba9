"""What the web page says and does, without the library that draws it: questions in, fragments of HTML out."""
