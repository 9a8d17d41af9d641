"""Turn the form that was handed in into the form a corridor delivers; XSLT with all access denied."""
