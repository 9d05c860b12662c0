def section():
    return ""
