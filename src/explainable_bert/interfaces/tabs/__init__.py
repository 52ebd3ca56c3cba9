"""The tabs of the web page: Gradio's components, and the events that ask what `page` answers."""
