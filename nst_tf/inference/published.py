def find_published(name):
    return None
