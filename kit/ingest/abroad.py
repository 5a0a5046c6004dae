"""What fields are called in German, French, Spanish and Portuguese: the table to extend, a role and its words."""

import unicodedata

WORDS = {
    "lat": "breite breitengrad geo_?breite latitud",
    "lon": "länge längengrad geo_?länge longitud",
    "time": r"zeit zeitpunkt zeitstempel uhrzeit datum \w+zeit ankunft abfahrt horodatage date_?heure heure instant "
            "arrivée départ fecha hora fecha_?hora instante llegada salida data data_?hora momento horário chegada "
            "partida",
    "person": "benutzer nutzer kunde kundennummer kartennummer utilisateur usager abonné usuario id_usuario cliente "
              "tarjeta usuário cartão",
    "device": r"gerät geräte\w* handy telefon appareil téléphone dispositivo teléfono aparelho telefone",
    "vehicle": "fahrzeug kennzeichen véhicule immatriculation plaque vehículo matrícula veículo placa",
    "sensor": "standort haltestelle kamera messstelle ort lieu emplacement arrêt capteur caméra borne lugar "
              "ubicación parada cámara estación puerta ponto paragem câmera estação",
    "name": r"vorname nachname nom prénom nombre apellidos? nome sobrenome",
}
# Words for the axes that also measure ships, lorries and parcels.
AMBIGUOUS = ("breite", "länge", "laenge")


def words(role):
    """The words of a role as patterns, each also without its accents, and in German with two letters instead.

    >>> sorted(words("lon"))[:4]
    ['geo_?laenge', 'geo_?lange', 'geo_?länge', 'laenge']
    """
    return sorted({spelt for word in WORDS[role].split() for spelt in _spellings(word)})


def _spellings(word):
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    german = word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return {word, bare, german}
